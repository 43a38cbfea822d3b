# The module redis alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                      = "crossover"
  vpc_id                    = "vpc-0123456789abcdef0"
  subnet_ids                = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  client_security_group_ids = { app = "sg-0123456789abcdef0" }
}

run "valkey_node" {

  module {
    source = "./modules/redis"
  }

  assert {
    condition     = output.environment.REDIS_IAM_USER == "crossover-app" && aws_elasticache_user.app.user_id == aws_elasticache_user.app.user_name
    error_message = "the user of IAM authentication has another name than ID"
  }

  assert {
    condition     = aws_elasticache_user.app.authentication_mode[0].type == "iam" && aws_elasticache_user.app.passwords == null
    error_message = "the user has a password"
  }

  assert {
    condition     = startswith(output.environment.REDIS_URL, "rediss://") && !strcontains(output.environment.REDIS_URL, "@")
    error_message = "the URL is not TLS, or has a password"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.client : "${r.referenced_security_group_id} ${r.from_port}-${r.to_port}"] == ["sg-0123456789abcdef0 6379-6379"]
    error_message = "others than the client can connect"
  }

  assert {
    condition     = jsondecode(output.connect_policy).Statement[0].Action == "elasticache:Connect" && length(jsondecode(output.connect_policy).Statement[0].Resource) == 2
    error_message = "the policy is not for one cache and one user"
  }

  assert {
    condition     = alltrue([for r in jsondecode(output.connect_policy).Statement[0].Resource : !strcontains(r, "*")])
    error_message = "the policy has a wildcard"
  }

  assert {
    condition     = aws_elasticache_replication_group.this[0].engine == "valkey" && aws_elasticache_replication_group.this[0].transit_encryption_enabled && aws_elasticache_replication_group.this[0].at_rest_encryption_enabled == "true"
    error_message = "the cache is not encrypted"
  }

  assert {
    condition     = aws_elasticache_replication_group.this[0].auth_token == null && aws_elasticache_replication_group.this[0].user_group_ids == toset(["crossover-users"])
    error_message = "the cache is not for the user group only"
  }

  assert {
    condition     = aws_elasticache_replication_group.this[0].snapshot_retention_limit == 0 && aws_elasticache_replication_group.this[0].final_snapshot_identifier == null
    error_message = "a snapshot stays"
  }

  assert {
    condition     = output.environment.REDIS_CLUSTER == "false" && output.environment.REDIS_IAM_CACHE == "crossover-redis" && length(aws_elasticache_user.default) == 0
    error_message = "the environment is not that of a node"
  }
}

run "redis_oss" {

  module {
    source = "./modules/redis"
  }

  variables {
    engine = "redis"
  }

  assert {
    condition     = output.environment.REDIS_IAM_USER == "crossover-app" && aws_elasticache_user.app.user_id == aws_elasticache_user.app.user_name
    error_message = "the user of IAM authentication has another name than ID"
  }

  assert {
    condition     = aws_elasticache_user.app.authentication_mode[0].type == "iam" && aws_elasticache_user.app.passwords == null
    error_message = "the user has a password"
  }

  assert {
    condition     = startswith(output.environment.REDIS_URL, "rediss://") && !strcontains(output.environment.REDIS_URL, "@")
    error_message = "the URL is not TLS, or has a password"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.client : "${r.referenced_security_group_id} ${r.from_port}-${r.to_port}"] == ["sg-0123456789abcdef0 6379-6379"]
    error_message = "others than the client can connect"
  }

  assert {
    condition     = jsondecode(output.connect_policy).Statement[0].Action == "elasticache:Connect" && length(jsondecode(output.connect_policy).Statement[0].Resource) == 2
    error_message = "the policy is not for one cache and one user"
  }

  assert {
    condition     = alltrue([for r in jsondecode(output.connect_policy).Statement[0].Resource : !strcontains(r, "*")])
    error_message = "the policy has a wildcard"
  }

  assert {
    condition     = startswith(aws_elasticache_user.default[0].access_string, "off ") && aws_elasticache_user.default[0].user_name == "default"
    error_message = "the default user is on"
  }

  assert {
    condition     = aws_elasticache_user.default[0].no_password_required && length(aws_elasticache_user.default[0].authentication_mode) == 0
    error_message = "the default user's authentication is a mode, which AWS reads back by another name"
  }
}

run "serverless" {

  module {
    source = "./modules/redis"
  }

  variables {
    serverless = true
  }

  assert {
    condition     = output.environment.REDIS_IAM_USER == "crossover-app" && aws_elasticache_user.app.user_id == aws_elasticache_user.app.user_name
    error_message = "the user of IAM authentication has another name than ID"
  }

  assert {
    condition     = aws_elasticache_user.app.authentication_mode[0].type == "iam" && aws_elasticache_user.app.passwords == null
    error_message = "the user has a password"
  }

  assert {
    condition     = startswith(output.environment.REDIS_URL, "rediss://") && !strcontains(output.environment.REDIS_URL, "@")
    error_message = "the URL is not TLS, or has a password"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.client : "${r.referenced_security_group_id} ${r.from_port}-${r.to_port}"] == ["sg-0123456789abcdef0 6379-6379", "sg-0123456789abcdef0 6380-6380"]
    error_message = "the client cannot connect to both ports, or others can"
  }

  assert {
    condition     = jsondecode(output.connect_policy).Statement[0].Action == "elasticache:Connect" && length(jsondecode(output.connect_policy).Statement[0].Resource) == 2
    error_message = "the policy is not for one cache and one user"
  }

  assert {
    condition     = alltrue([for r in jsondecode(output.connect_policy).Statement[0].Resource : !strcontains(r, "*")])
    error_message = "the policy has a wildcard"
  }

  assert {
    condition     = length(aws_elasticache_replication_group.this) == 0 && aws_elasticache_serverless_cache.this[0].user_group_id == "crossover-users" && aws_elasticache_serverless_cache.this[0].snapshot_retention_limit == 0
    error_message = "the serverless cache is not for the user group only, or leaves a snapshot"
  }

  assert {
    condition     = aws_elasticache_serverless_cache.this[0].cache_usage_limits[0].data_storage[0].maximum == 1 && aws_elasticache_serverless_cache.this[0].cache_usage_limits[0].ecpu_per_second[0].maximum == 100000
    error_message = "what it may use is not limited"
  }

  assert {
    condition     = output.environment.REDIS_CLUSTER == "true" && output.environment.REDIS_URL == "rediss://a-cache-abc123.serverless.use1.cache.amazonaws.com:6379"
    error_message = "the environment is not that of a cluster"
  }
}

run "nobody_connects" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    client_security_group_ids = {}
  }

  expect_failures = [var.client_security_group_ids]
}

run "one_subnet" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    name              = "a--b"
    engine            = "memcached"
    node_type         = "t4g.micro"
    vpc_id            = "default"
    serverless_limits = { data_gb = 0 }
    tags              = { "aws:x" = "y" }
  }

  expect_failures = [
    var.engine,
    var.name,
    var.node_type,
    var.serverless_limits,
    var.tags,
    var.vpc_id,
  ]
}

run "limit_too_low" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    serverless_limits = { ecpu_per_second = 10 }
  }

  expect_failures = [
    var.serverless_limits,
  ]
}

run "names_that_aws_refuses" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    name                      = "sg-cache"
    client_security_group_ids = { "Bob's" = "sg-0123456789abcdef0" } # no description of a rule
    node_type                 = "cache.m1.small"                     # no encryption
  }

  expect_failures = [var.client_security_group_ids, var.name, var.node_type]
}

run "client_that_is_there_already" {
  command = plan

  module {
    source = "./modules/redis"
  }

  variables {
    client_security_group_ids = { ec2 = "sg-0123456789abcdef0", again = "sg-0123456789abcdef0" }
  }

  expect_failures = [var.client_security_group_ids]
}
