# The usual way: an ALB, and behind it a group of instances in private subnets.

locals {
  tls       = var.certificate_arn != null
  alb_port  = local.tls ? 443 : 80
  alb_count = var.alb ? 1 : 0
}

resource "aws_security_group" "alb" {
  count = local.alb_count

  name        = "${var.name}-alb"
  description = "ALB: from the callers to the instances"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-alb" })
}

resource "aws_vpc_security_group_ingress_rule" "alb" {
  for_each = var.alb ? var.callers : {}

  security_group_id = aws_security_group.alb[0].id
  description       = each.key
  ip_protocol       = "tcp"
  from_port         = local.alb_port
  to_port           = local.alb_port
  cidr_ipv4         = each.value
  tags              = var.tags
}

resource "aws_vpc_security_group_egress_rule" "alb" {
  count = local.alb_count

  security_group_id            = aws_security_group.alb[0].id
  description                  = "to the instances"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = aws_security_group.instance.id
  tags                         = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "from_alb" {
  count = local.alb_count

  security_group_id            = aws_security_group.instance.id
  description                  = "from the ALB"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = aws_security_group.alb[0].id
  tags                         = var.tags
}

resource "aws_lb" "this" {
  count = local.alb_count

  name                       = "${var.name}-alb"
  internal                   = false
  load_balancer_type         = "application"
  security_groups            = [aws_security_group.alb[0].id]
  subnets                    = var.public_subnet_ids
  idle_timeout               = 60 # the server keeps idle connections for 120 s, so that it is never the first to close one
  drop_invalid_header_fields = true
  enable_deletion_protection = false
  tags                       = var.tags

  # It cannot go to another VPC, and a security group in use cannot be deleted: it has to go first.
  lifecycle {
    replace_triggered_by = [aws_security_group.alb[count.index].id]
  }
}

resource "aws_lb_target_group" "instances" {
  count = local.alb_count

  name                 = "${var.name}-ec2"
  target_type          = "instance"
  port                 = local.port
  protocol             = "HTTP"
  vpc_id               = var.vpc_id
  deregistration_delay = 30 # the server drains for 25 s at most
  tags                 = var.tags

  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

# A listener with TLS does not become one without: the provider keeps the policy of ciphers, which AWS refuses for plain HTTP. A certificate
# whose ARN is not known until apply replaces it, too.
resource "terraform_data" "tls" {
  input = local.tls
}

resource "aws_lb_listener" "this" {
  count = local.alb_count

  load_balancer_arn = aws_lb.this[0].arn
  port              = local.alb_port
  protocol          = local.tls ? "HTTPS" : "HTTP"
  certificate_arn   = var.certificate_arn
  ssl_policy        = local.tls ? "ELBSecurityPolicy-TLS13-1-2-2021-06" : null
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.instances[0].arn
  }

  lifecycle {
    replace_triggered_by = [terraform_data.tls]
  }
}

# --- instances ---------------------------------------------------------------------------------------------------------

resource "aws_launch_template" "this" {
  count = local.alb_count

  name_prefix   = "${var.name}-"
  image_id      = local.ami_id
  instance_type = var.instance_type
  user_data     = base64encode(local.user_data)
  tags          = var.tags

  vpc_security_group_ids = [aws_security_group.instance.id]

  iam_instance_profile {
    name = module.role.instance_profile
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required" # IMDSv2 only
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 8
      encrypted             = true
      delete_on_termination = true
    }
  }

  # Scaling by five-minute metrics would be late by minutes, and a run of some minutes would have one value.
  monitoring {
    enabled = true
  }

  dynamic "credit_specification" {
    for_each = local.burstable ? ["unlimited"] : []

    content {
      cpu_credits = credit_specification.value
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.value
      tags          = merge(var.tags, { Name = "${var.name}-ec2" })
    }
  }
}

resource "aws_autoscaling_group" "this" {
  count = local.alb_count

  name                = "${var.name}-ec2"
  min_size            = var.instance_count.min
  max_size            = var.instance_count.max
  desired_capacity    = local.scales ? null : var.instance_count.min # else an update waits for as many as there were before
  vpc_zone_identifier = var.private_subnet_ids
  target_group_arns   = [aws_lb_target_group.instances[0].arn]

  health_check_type = "ELB"
  # An instance that is slow to start must not be replaced for that by the next, which is as slow: it boots, may ask S3 for a minute until
  # that knows its role, and answers two health checks.
  health_check_grace_period = 180
  default_instance_warmup   = 60

  # The apply that makes the group ends when so many instances answer through the ALB, or with an error. wait_for_elb_capacity would demand
  # exactly so many, of updates too, and a group that has scaled out has more. Updates wait for the instances alone.
  min_elb_capacity          = var.instance_count.min
  wait_for_capacity_timeout = "10m"

  launch_template {
    id      = aws_launch_template.this[0].id
    version = aws_launch_template.this[0].latest_version
  }

  # A changed launch template, such as one with a new binary, replaces the instances: new ones first, then the old.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 200
      instance_warmup        = 60
      skip_matching          = true
      # Not auto_rollback: the group has its new template before the refresh starts, so that AWS would roll back to that one, and until the
      # refresh has ended AWS would refuse any further template, such as one with a better binary.
    }
  }

  dynamic "tag" {
    for_each = merge(var.tags, { Name = "${var.name}-ec2" })

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template does
    }
  }

  # Instances need all of these from their first second on.
  depends_on = [
    aws_lb_listener.this,
    aws_vpc_security_group_egress_rule.alb,
    aws_vpc_security_group_egress_rule.group,
    aws_vpc_security_group_egress_rule.https,
    aws_vpc_security_group_egress_rule.s3,
    aws_vpc_security_group_ingress_rule.from_alb,
  ]

  # Its instances are in the group and in the VPC, which neither can be deleted before them.
  lifecycle {
    replace_triggered_by = [aws_security_group.instance.id]
  }
}

resource "aws_autoscaling_policy" "cpu" {
  count = var.alb && local.scales ? 1 : 0

  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.this[0].name
  policy_type            = "TargetTrackingScaling"

  target_tracking_configuration {
    target_value = var.cpu_target

    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }

  # A new group of the same name is without policies.
  lifecycle {
    replace_triggered_by = [aws_autoscaling_group.this[count.index].id]
  }
}
