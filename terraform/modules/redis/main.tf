locals {
  port = 6379

  # A serverless cache has a second port, that of its replicas. It tells clients of it among the nodes of the cluster, and they ask any of
  # those which nodes there are: https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/ReadReplicas.html
  ports = var.serverless ? [local.port, 6380] : [local.port]

  # IAM authentication demands TLS, and that the user's name is its ID.
  user = "${var.name}-app"

  # Reading, writing and connecting, but nothing of what administers a server or empties it.
  access = "on ~* +@all -@admin -@dangerous"
}

# What belongs to one engine goes with it: AWS turns neither a user nor a cache of Valkey into one of Redis OSS, and the other way round it keeps
# a default user that is in a group.
resource "terraform_data" "engine" {
  input = var.engine
}

# --- who may connect ---------------------------------------------------------------------------------------------------

resource "aws_security_group" "this" {
  name        = "${var.name}-redis"
  description = "The cache: from the targets only, and nothing out"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-redis" })
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = {
    for pair in setproduct(keys(var.client_security_group_ids), local.ports) :
    "${pair[0]}-${pair[1]}" => { client = pair[0], port = pair[1] }
  }

  security_group_id            = aws_security_group.this.id
  description                  = "from ${each.value.client}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = var.client_security_group_ids[each.value.client]
  tags                         = var.tags
}

# --- who may log in ----------------------------------------------------------------------------------------------------

resource "aws_elasticache_user" "app" {
  user_id       = local.user
  user_name     = local.user
  engine        = var.engine
  access_string = local.access
  tags          = var.tags

  authentication_mode {
    type = "iam"
  }

  lifecycle {
    replace_triggered_by = [terraform_data.engine]
  }
}

# Groups of Redis OSS must have a user called default. This one is switched off.
resource "aws_elasticache_user" "default" {
  count = var.engine == "redis" ? 1 : 0

  user_id       = "${var.name}-default"
  user_name     = "default"
  engine        = var.engine
  access_string = "off -@all"
  tags          = var.tags

  # Not as an authentication_mode: AWS reads no-password-required back as no-password, and each plan would change it again.
  no_password_required = true

  lifecycle {
    replace_triggered_by = [terraform_data.engine]
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = "${var.name}-users"
  engine        = var.engine
  user_ids      = concat([aws_elasticache_user.app.user_id], aws_elasticache_user.default[*].user_id)
  tags          = var.tags

  lifecycle {
    replace_triggered_by = [terraform_data.engine]
  }
}

# --- the cache ---------------------------------------------------------------------------------------------------------

resource "aws_elasticache_subnet_group" "this" {
  count = var.serverless ? 0 : 1

  name       = "${var.name}-redis"
  subnet_ids = var.subnet_ids
  tags       = var.tags

  # It takes no subnets of another VPC.
  lifecycle {
    replace_triggered_by = [aws_security_group.this.id]
  }
}

resource "aws_elasticache_replication_group" "this" {
  count = var.serverless ? 0 : 1

  replication_group_id       = "${var.name}-redis"
  description                = "Cache of ${var.name}"
  engine                     = var.engine
  engine_version             = var.engine == "valkey" ? "8.0" : "7.1"
  node_type                  = var.node_type
  num_cache_clusters         = 1 # it holds nothing that must outlive it
  automatic_failover_enabled = false
  port                       = local.port
  subnet_group_name          = aws_elasticache_subnet_group.this[0].name
  security_group_ids         = [aws_security_group.this.id]
  user_group_ids             = [aws_elasticache_user_group.this.user_group_id]
  transit_encryption_enabled = true
  at_rest_encryption_enabled = true
  auto_minor_version_upgrade = true
  apply_immediately          = true
  snapshot_retention_limit   = 0 # no snapshot stays when it is destroyed
  tags                       = var.tags

  lifecycle {
    replace_triggered_by = [terraform_data.engine, aws_security_group.this.id]
  }
}

resource "aws_elasticache_serverless_cache" "this" {
  count = var.serverless ? 1 : 0

  name                     = "${var.name}-redis"
  description              = "Cache of ${var.name}"
  engine                   = var.engine
  major_engine_version     = var.engine == "valkey" ? "8" : "7"
  subnet_ids               = slice(var.subnet_ids, 0, min(3, length(var.subnet_ids))) # it takes two or three
  security_group_ids       = [aws_security_group.this.id]
  user_group_id            = aws_elasticache_user_group.this.user_group_id
  snapshot_retention_limit = 0 # no snapshot stays when it is destroyed
  tags                     = var.tags

  # TLS and encryption at rest cannot be switched off here.

  cache_usage_limits {
    data_storage {
      maximum = var.serverless_limits.data_gb
      unit    = "GB"
    }

    ecpu_per_second {
      maximum = var.serverless_limits.ecpu_per_second
    }
  }

  lifecycle {
    replace_triggered_by = [terraform_data.engine]
  }
}
