locals {
  host = var.alb ? coalesce(var.domain_name, aws_lb.this[0].dns_name) : aws_instance.single[0].public_ip
}

output "target" {
  description = "The entry of the targets file."
  value = {
    name              = "ec2"
    kind              = "ec2"
    url               = var.alb ? "${local.tls ? "https" : "http"}://${local.host}" : "http://${local.host}:${local.port}"
    region            = data.aws_region.current.region
    arch              = var.arch
    instance_type     = var.instance_type
    instances         = var.instance_count.min
    max_instances     = var.instance_count.max
    front_door        = var.alb ? "alb" : "none"
    auth              = "NONE"
    tls               = local.tls
    credit_mode       = local.burstable ? "unlimited" : null
    autoscaling_group = one(aws_autoscaling_group.this[*].name)
    instance_id       = one(aws_instance.single[*].id)
  }

  # Whoever reads it may call at once.
  depends_on = [
    aws_autoscaling_group.this,
    aws_vpc_security_group_ingress_rule.alb,
    aws_vpc_security_group_ingress_rule.from_callers,
  ]
}

output "alb" {
  description = "The ALB, for further listeners; null without one."
  value = var.alb ? {
    arn               = aws_lb.this[0].arn
    dns_name          = aws_lb.this[0].dns_name
    host              = local.host
    security_group_id = aws_security_group.alb[0].id
    certificate_arn   = var.certificate_arn
  } : null
}

output "security_group_id" {
  description = "Security group of the instances."
  value       = aws_security_group.instance.id
}

output "ami_id" {
  description = "Machine image of the instances."
  value       = local.ami_id
}

output "port" {
  description = "TCP port of the front door."
  value       = var.alb ? local.alb_port : local.port
}
