data "aws_region" "current" {}

data "aws_default_tags" "current" {}

data "aws_ssm_parameter" "ami" {
  count = var.ami_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.arch}"
}

locals {
  instance_type = coalesce(var.instance_type, var.arch == "arm64" ? "c7g.large" : "c7i.large")
  ami_id        = var.ami_id != null ? var.ami_id : data.aws_ssm_parameter.ami[0].insecure_value
  sha256        = try(filesha256(var.bench_binary), "missing") # the precondition says so; nothing is needed to destroy
  goarch        = var.arch == "arm64" ? "arm64" : "amd64"
}

# --- binary and results ------------------------------------------------------------------------------------------------

module "bucket" {
  source = "../bucket"

  name = "${var.name}-bench-"
  tags = var.tags
}

resource "aws_s3_object" "bench" {
  bucket             = module.bucket.name
  key                = "bench-${local.sha256}"
  source             = var.bench_binary
  checksum_algorithm = "SHA256"

  # An object has at most ten tags, fewer than everything else, and these would come from the provider.
  override_provider {
    default_tags {
      tags = {}
    }
  }

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = fileexists(var.bench_binary)
      error_message = "There is no ${var.bench_binary}. Run first: task build GOOS=linux GOARCH=${local.goarch}"
    }

    # Bytes 18 to 20 of an ELF file are its machine and the start of its version: B7 00 01 is AArch64, 3E 00 01 is x86-64.
    precondition {
      condition     = !fileexists(var.bench_binary) || try(substr(filebase64(var.bench_binary), 24, 4), "") == (var.arch == "arm64" ? "twAB" : "PgAB")
      error_message = "${var.bench_binary} is no Linux program for ${var.arch}. Run first: task build GOOS=linux GOARCH=${local.goarch}"
    }
  }
}

# --- rights ------------------------------------------------------------------------------------------------------------

module "role" {
  source = "../instance_role"

  name = "${var.name}-load-generator-"
  tags = var.tags

  policies = merge(var.policies, {
    bucket = jsonencode({
      Version = "2012-10-17"
      Statement = [
        {
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = "${module.bucket.arn}/${aws_s3_object.bench.key}"
        },
        {
          # Input of a run, and what it leaves.
          Effect = "Allow"
          Action = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
          # wildcard: the files of all runs, below one folder of this bucket
          Resource = "${module.bucket.arn}/runs/*"
        },
      ]
    })
  })
}

# --- network -----------------------------------------------------------------------------------------------------------

resource "aws_security_group" "this" {
  name        = "${var.name}-load-generator"
  description = "Load generators: nothing in"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-load-generator" })
}

# To anywhere: the addresses of an ALB, of Lambda and of Systems Manager are AWS's to change.
resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = { for p in setunion(var.egress_ports, [443]) : tostring(p) => p }

  security_group_id = aws_security_group.this.id
  description       = each.value == 443 ? "targets, Systems Manager, S3" : "targets"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
  cidr_ipv4         = "0.0.0.0/0"
  tags              = var.tags
}

# --- instances ---------------------------------------------------------------------------------------------------------

resource "aws_instance" "this" {
  count = var.instance_count

  ami                         = local.ami_id
  instance_type               = local.instance_type
  subnet_id                   = var.subnet_ids[count.index % length(var.subnet_ids)]
  associate_public_ip_address = true
  vpc_security_group_ids      = [aws_security_group.this.id]
  iam_instance_profile        = module.role.instance_profile
  user_data_replace_on_change = true # a new binary, a new instance
  monitoring                  = true
  tags                        = merge(var.tags, { Name = "${var.name}-load-generator-${count.index}" })

  # Without what the provider's default_tags give volumes anyway: it does not read that back, and each plan would add it again.
  volume_tags = {
    for key, value in merge(var.tags, { Name = "${var.name}-load-generator-${count.index}" }) : key => value
    if try(data.aws_default_tags.current.tags[key], null) != value
  }

  user_data = templatefile("${path.module}/user_data.sh.tftpl", {
    bucket = module.bucket.name
    key    = aws_s3_object.bench.key
    region = data.aws_region.current.region
    sha256 = local.sha256
  })

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required" # IMDSv2 only
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = 16 # results and their journals
    encrypted             = true
    delete_on_termination = true
  }

  # It needs these from its first second on.
  depends_on = [aws_vpc_security_group_egress_rule.this]
}
