locals {
  cache = var.serverless ? {
    name = aws_elasticache_serverless_cache.this[0].name
    arn  = aws_elasticache_serverless_cache.this[0].arn
    host = aws_elasticache_serverless_cache.this[0].endpoint[0].address
    } : {
    name = aws_elasticache_replication_group.this[0].replication_group_id
    arn  = aws_elasticache_replication_group.this[0].arn
    host = aws_elasticache_replication_group.this[0].primary_endpoint_address
  }
}

output "environment" {
  description = "Environment of the app, for a client in one of the security groups and with the policy. There is no secret in it."
  value = {
    REDIS_URL       = "rediss://${local.cache.host}:${local.port}"
    REDIS_IAM_USER  = aws_elasticache_user.app.user_name
    REDIS_IAM_CACHE = local.cache.name
    REDIS_CLUSTER   = tostring(var.serverless)
  }
}

output "connect_policy" {
  description = "IAM policy, in JSON, of a role that logs in as the app's user."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "elasticache:Connect"
      Resource = [local.cache.arn, aws_elasticache_user.app.arn]
    }]
  })
}

output "security_group_id" {
  description = "Security group of the cache."
  value       = aws_security_group.this.id
}

output "ports" {
  description = "TCP ports of the cache: 6379, and 6380 too of a serverless one."
  value       = local.ports
}
