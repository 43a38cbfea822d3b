# The matrix of inputs, and what comes out of it.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  caller_cidrs  = ["203.0.113.7/32"]
  server_binary = "tests/fixtures/arm64.elf"
  bench_binary  = "tests/fixtures/arm64.elf"
  lambda_zip    = "tests/fixtures/bootstrap.zip"
}

run "defaults" {

  assert {
    condition     = keys(output.targets) == ["targets"] && length(output.targets.targets) == 2
    error_message = "the output targets is not a targets file"
  }

  assert {
    condition     = output.targets.targets[0].name == "ec2" && output.targets.targets[0].kind == "ec2" && output.targets.targets[0].url == "http://an-alb-1234567890.us-east-1.elb.amazonaws.com"
    error_message = "ec2 is not reached through the ALB"
  }

  assert {
    condition     = output.targets.targets[0].instance_type == "t4g.small" && output.targets.targets[0].credit_mode == "unlimited" && output.targets.targets[0].instances == 1 && output.targets.targets[0].front_door == "alb" && output.targets.targets[0].arch == "arm64"
    error_message = "ec2 is not described"
  }

  assert {
    condition     = output.targets.targets[1].name == "lambda" && output.targets.targets[1].kind == "lambda" && output.targets.targets[1].url == "https://abcdefghij.lambda-url.us-east-1.on.aws"
    error_message = "lambda is not reached through its URL, without a slash at the end"
  }

  assert {
    condition     = output.targets.targets[1].auth == "AWS_IAM" && output.targets.targets[1].front_door == "function_url" && output.targets.targets[1].memory_mb == 512 && output.targets.targets[1].log_group == "/aws/lambda/crossover-app"
    error_message = "lambda is not described"
  }

  assert {
    condition     = output.targets.targets[0].tls == false && output.targets.targets[1].tls == true && anytrue([for n in output.notes : strcontains(n, "unequal")])
    error_message = "the paths are unequal and it does not say so"
  }

  assert {
    condition     = output.load_generator == null && output.expires_at == null
    error_message = "there is what was not asked for"
  }

  assert {
    condition     = length(aws_budgets_budget.monthly) == 0 && length(aws_vpc_security_group_ingress_rule.load_generator) == 0
    error_message = "there is what was not asked for"
  }

  assert {
    condition     = module.network.endpoints_security_group_id != null
    error_message = "Session Manager does not reach the private subnets"
  }
}

run "x86_64" {

  variables {
    arch          = "x86_64"
    server_binary = "tests/fixtures/x86_64.elf"
    bench_binary  = "tests/fixtures/x86_64.elf"
  }

  assert {
    condition     = output.targets.targets[0].instance_type == "t3.small" && output.targets.targets[0].arch == "x86_64" && output.targets.targets[1].arch == "x86_64"
    error_message = "arch does not reach both targets"
  }
}

run "not_burstable" {

  variables {
    instance_type = "c7g.medium"
  }

  assert {
    condition     = output.targets.targets[0].credit_mode == null && length(output.notes) == 1
    error_message = "an instance type without credits has a credit mode"
  }
}

run "http_api" {

  variables {
    lambda_front_door = "http_api"
  }

  assert {
    condition     = output.targets.targets[1].url == "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com" && output.targets.targets[1].auth == "AWS_IAM"
    error_message = "lambda is not reached through the HTTP API, signed"
  }
}

run "shared_alb" {

  variables {
    lambda_front_door = "alb"
  }

  assert {
    condition     = output.targets.targets[1].url == "http://an-alb-1234567890.us-east-1.elb.amazonaws.com:8081" && output.targets.targets[1].auth == "NONE"
    error_message = "lambda is not behind the ALB of ec2"
  }

  assert {
    condition     = output.targets.targets[1].tls == output.targets.targets[0].tls && !anytrue([for n in output.notes : strcontains(n, "unequal")])
    error_message = "equal paths are called unequal"
  }
}

run "tls" {

  variables {
    certificate_arn   = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_name       = "bench.example.com"
    lambda_front_door = "alb"
  }

  assert {
    condition     = output.targets.targets[0].url == "https://bench.example.com" && output.targets.targets[1].url == "https://bench.example.com:8443" && output.targets.targets[0].tls && output.targets.targets[1].tls
    error_message = "the certificate is not in use"
  }
}

run "tls_and_function_url" {

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_name     = "bench.example.com"
  }

  assert {
    condition     = output.targets.targets[0].tls && output.targets.targets[1].tls && !anytrue([for n in output.notes : strcontains(n, "unequal")])
    error_message = "equal paths are called unequal"
  }
}

run "without_alb" {

  variables {
    alb = false
  }

  assert {
    condition     = output.targets.targets[0].url == "http://198.51.100.7:8080" && output.targets.targets[0].front_door == "none" && output.targets.targets[0].autoscaling_group == null && output.targets.targets[0].instance_id != null
    error_message = "ec2 is not one instance with a public address"
  }

  assert {
    condition     = output.alb_dns_name == null && module.network.endpoints_security_group_id == null
    error_message = "there is what a public instance does not need"
  }
}

run "public_url" {

  variables {
    lambda_auth               = "NONE"
    lambda_public_url_consent = true
  }

  assert {
    condition     = output.targets.targets[1].auth == "NONE"
    error_message = "the URL is not public"
  }
}

run "consent_alone_opens_nothing" {

  variables {
    lambda_public_url_consent = true
  }

  assert {
    condition     = output.targets.targets[1].auth == "AWS_IAM"
    error_message = "consent made the URL public"
  }
}

run "serverless_redis" {

  variables {
    redis_serverless = true
  }

  assert {
    condition     = module.redis.environment.REDIS_CLUSTER == "true" && output.redis.node_type == null && output.redis.serverless
    error_message = "the cache is not serverless"
  }
}

run "image" {

  variables {
    lambda_image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/crossover:v1"
  }

  assert {
    condition     = output.targets.targets[1].package == "image"
    error_message = "the function is not made from the image"
  }
}

run "load_generators" {

  variables {
    load_generator       = true
    load_generator_count = 2
    caller_cidrs         = []
    lambda_front_door    = "alb"
  }

  assert {
    condition     = length(output.load_generator.instance_ids) == 2 && output.load_generator.instance_id == output.load_generator.instance_ids[0] && output.load_generator.region == "us-east-1" && output.load_generator.bucket != ""
    error_message = "the load generators are not described"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.load_generator) == 4 && alltrue([for r in aws_vpc_security_group_ingress_rule.load_generator : r.cidr_ipv4 == "198.51.100.7/32"])
    error_message = "the ALB does not let in each load generator, and only it, on both ports"
  }
}

run "load_generator_without_alb" {

  variables {
    load_generator = true
    alb            = false
    caller_cidrs   = []
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.load_generator : r.from_port] == [8080]
    error_message = "the instance does not let in the load generator"
  }
}

run "budget_and_expiry" {

  variables {
    monthly_budget_usd = 50
    budget_email       = "you@example.com"
    budget_by_tag      = true
    ttl_hours          = 24
  }

  assert {
    condition     = aws_budgets_budget.monthly[0].limit_amount == "50.00" && length(aws_budgets_budget.monthly[0].notification) == 3
    error_message = "the budget does not alarm"
  }

  assert {
    condition     = one(aws_budgets_budget.monthly[0].cost_filter).values == tolist(["user:stack$crossover"])
    error_message = "the budget is not of this stack"
  }

  assert {
    condition     = output.expires_at == timeadd(terraform_data.created.input, "24h")
    error_message = "the expiry is not 24 hours after the stack was made"
  }
}

run "everything_on" {

  variables {
    nat_gateway                    = true
    flow_logs                      = true
    lambda_tracing                 = true
    lambda_provisioned_concurrency = 2
    instance_count                 = { min = 2, max = 4 }
    az_count                       = 2
    load_generator                 = true
    redis_engine                   = "redis"
    tags                           = { owner = "you" }
  }

  assert {
    condition     = output.targets.targets[0].instances == 2 && output.targets.targets[0].max_instances == 4 && output.targets.targets[1].provisioned_concurrency == 2
    error_message = "the inputs do not reach the targets"
  }

  assert {
    condition     = module.network.endpoints_security_group_id == null
    error_message = "interface endpoints are paid for beside a NAT gateway"
  }
}
