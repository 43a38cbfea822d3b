output "targets" {
  description = "The targets file: bench run --targets terraform reads it."
  value       = { targets = [module.ec2.target, module.lambda.target] }
  depends_on  = [aws_vpc_security_group_ingress_rule.load_generator]

  # Both here and not at the variables, so that terraform destroy does without the inputs of apply.
  precondition {
    condition     = length(var.caller_cidrs) > 0 || var.load_generator
    error_message = "Nobody could call the EC2 target. Set caller_cidrs to your own address, such as [\"203.0.113.7/32\"] (curl https://checkip.amazonaws.com shows it), or load_generator = true."
  }

  precondition {
    condition     = (length(local.callers) + (var.load_generator ? var.load_generator_count : 0)) * length(local.restricted_ports) <= 60
    error_message = "A security group has room for 60 rules, one for each network and port: allowed are ${floor(60 / length(local.restricted_ports))} of caller_cidrs and load generators together."
  }
}

output "notes" {
  description = "What makes the comparison unequal, to be read with its results."
  value = concat(
    module.ec2.target.tls == module.lambda.target.tls ? [] : [
      "The two paths are unequal: ec2 is called over ${module.ec2.target.tls ? "TLS" : "plain HTTP"}, lambda over ${module.lambda.target.tls ? "TLS" : "plain HTTP"}. With certificate_arn and domain_name, or with lambda_front_door = \"alb\", both are alike.",
    ],
    var.alb ? [] : ["ec2 is one instance without a load balancer: it has one network hop less, and nothing takes its place when it fails."],
    module.ec2.target.credit_mode == null ? [] : ["${local.instance_type} bursts, in the mode ${module.ec2.target.credit_mode}: above its baseline it earns no credits, and surplus is charged."],
  )
}

output "load_generator" {
  description = "The load generator for bench run --from aws; null without one. instance_id is the first of instance_ids."
  value = var.load_generator ? {
    instance_id   = module.load_generator[0].instance_ids[0]
    instance_ids  = module.load_generator[0].instance_ids
    instance_type = module.load_generator[0].instance_type
    bucket        = module.load_generator[0].bucket
    region        = var.region
  } : null
}

output "redis" {
  description = "The cache that both targets share."
  value = {
    engine     = var.redis_engine
    serverless = var.redis_serverless
    node_type  = var.redis_serverless ? null : var.redis_node_type
  }
}

output "alb_dns_name" {
  description = "The ALB's own name, where domain_name must point; null without an ALB."
  value       = one(module.ec2.alb[*].dns_name)
}

output "ami_id" {
  description = "Machine image of the EC2 target's instances."
  value       = module.ec2.ami_id
}

output "expires_at" {
  description = "When the stack should be gone (UTC, RFC 3339); null without ttl_hours."
  value       = local.expires_at
}
