# The cheapest way: one instance with a public address, which the callers reach directly.

resource "aws_vpc_security_group_ingress_rule" "from_callers" {
  for_each = var.alb ? {} : var.callers

  security_group_id = aws_security_group.instance.id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = local.port
  to_port           = local.port
  cidr_ipv4         = each.value
  tags              = var.tags
}

data "aws_default_tags" "current" {}

locals {
  # Without what the provider's default_tags give volumes anyway: it does not read that back, and each plan would add it again.
  volume_tags = {
    for key, value in merge(var.tags, { Name = "${var.name}-ec2" }) : key => value
    if try(data.aws_default_tags.current.tags[key], null) != value
  }
}

resource "aws_instance" "single" {
  count = var.alb ? 0 : 1

  ami                         = local.ami_id
  instance_type               = var.instance_type
  subnet_id                   = var.public_subnet_ids[0]
  associate_public_ip_address = true
  vpc_security_group_ids      = [aws_security_group.instance.id]
  iam_instance_profile        = module.role.instance_profile
  user_data                   = local.user_data
  user_data_replace_on_change = true # a new binary, a new instance
  monitoring                  = true
  tags                        = merge(var.tags, { Name = "${var.name}-ec2" })
  volume_tags                 = local.volume_tags

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required" # IMDSv2 only
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type           = "gp3"
    volume_size           = 8
    encrypted             = true
    delete_on_termination = true
  }

  dynamic "credit_specification" {
    for_each = local.burstable ? ["unlimited"] : []

    content {
      cpu_credits = credit_specification.value
    }
  }

  # It needs all of these from its first second on.
  depends_on = [
    aws_vpc_security_group_egress_rule.group,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.s3,
  ]
}
