data "aws_region" "current" {}

data "aws_ssm_parameter" "ami" {
  count = var.ami_id == null ? 1 : 0

  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.arch}"
}

locals {
  port       = 8080
  port_name  = tostring(local.port)
  ami_id     = var.ami_id != null ? var.ami_id : data.aws_ssm_parameter.ami[0].insecure_value
  scales     = var.instance_count.max > var.instance_count.min
  burstable  = can(regex("^t[0-9]", var.instance_type))
  sha256     = try(filesha256(var.server_binary), "missing") # the precondition says so; nothing is needed to destroy
  elf_header = try(substr(filebase64(var.server_binary), 0, 28), "")

  user_data = templatefile("${path.module}/user_data.sh.tftpl", {
    bucket = module.bucket.name
    key    = aws_s3_object.server.key
    region = data.aws_region.current.region
    sha256 = local.sha256
    unit = templatefile("${path.module}/crossover.service.tftpl", {
      environment = merge(var.environment, {
        AWS_REGION = data.aws_region.current.region
        PORT       = local.port_name
      })
    })
  })
}

# --- the binary --------------------------------------------------------------------------------------------------------

module "bucket" {
  source = "../bucket"

  name = "${var.name}-server-"
  tags = var.tags
}

# The key has the checksum: a new binary is a new object and new user data, which replaces the instances.
resource "aws_s3_object" "server" {
  bucket             = module.bucket.name
  key                = "server-${local.sha256}"
  source             = var.server_binary
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
      condition     = fileexists(var.server_binary)
      error_message = "There is no ${var.server_binary}. Run first: task build GOOS=linux GOARCH=${var.arch == "arm64" ? "arm64" : "amd64"}"
    }

    # Bytes 18 to 20 of an ELF file are its machine and the start of its version: B7 00 01 is AArch64, 3E 00 01 is x86-64.
    precondition {
      condition     = !fileexists(var.server_binary) || substr(local.elf_header, 24, 4) == (var.arch == "arm64" ? "twAB" : "PgAB")
      error_message = "${var.server_binary} is no Linux program for ${var.arch}. Run first: task build GOOS=linux GOARCH=${var.arch == "arm64" ? "arm64" : "amd64"}"
    }
  }
}

# --- rights ------------------------------------------------------------------------------------------------------------

module "role" {
  source = "../instance_role"

  name            = "${var.name}-ec2-"
  session_manager = var.session_manager
  tags            = var.tags

  policies = merge(var.policies, {
    binary = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = "${module.bucket.arn}/${aws_s3_object.server.key}"
      }]
    })
  })
}

# --- network -----------------------------------------------------------------------------------------------------------

resource "aws_security_group" "instance" {
  name        = "${var.name}-ec2"
  description = "Instances: the port of the server from its front door only"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-ec2" })
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.instance.id
  description       = "the binary, from S3"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = var.s3_prefix_list_id
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "group" {
  for_each = var.egress

  security_group_id            = aws_security_group.instance.id
  description                  = "to ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = each.value.security_group_id
  tags                         = var.tags
}

resource "aws_vpc_security_group_egress_rule" "https" {
  count = var.https_egress ? 1 : 0

  security_group_id = aws_security_group.instance.id
  description       = "Session Manager, over the internet"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
  tags              = var.tags
}
