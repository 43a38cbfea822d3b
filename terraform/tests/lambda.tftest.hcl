# The module lambda alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name        = "crossover"
  arch        = "arm64"
  zip         = "tests/fixtures/bootstrap.zip"
  environment = { REDIS_URL = "rediss://cache.example.com:6379" }
  vpc_id      = "vpc-0123456789abcdef0"
  subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  egress      = { redis = { security_group_id = "sg-0123456789abcdef1", port = 6379 } }
}

run "signed_url" {

  module {
    source = "./modules/lambda"
  }

  assert {
    condition     = aws_lambda_function_url.this[0].authorization_type == "AWS_IAM" && aws_lambda_function_url.this[0].qualifier == "live"
    error_message = "the URL is not signed, or not the alias's"
  }

  assert {
    condition     = length(aws_lambda_permission.public_url) + length(aws_lambda_permission.public_invoke) + length(aws_lambda_permission.http_api) + length(aws_lambda_permission.alb) == 0
    error_message = "somebody has a permission"
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.handler == "bootstrap" && aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.publish
    error_message = "the function is not what the zip needs"
  }

  assert {
    condition     = aws_lambda_function.this.source_code_hash == filebase64sha256("tests/fixtures/bootstrap.zip")
    error_message = "a new zip would not be seen"
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == 100 && length(aws_lambda_provisioned_concurrency_config.live) == 0
    error_message = "what it may cost has no cap"
  }

  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_format == "JSON" && aws_lambda_function.this.logging_config[0].system_log_level == "INFO" && aws_lambda_function.this.logging_config[0].log_group == aws_cloudwatch_log_group.this.name
    error_message = "the log has no REPORT lines, or is not the managed group"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/crossover-app" && aws_cloudwatch_log_group.this.retention_in_days == 7 && !strcontains(aws_iam_role_policy.log.policy, "CreateLogGroup")
    error_message = "the log is kept for ever, or comes back after it is destroyed"
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "PassThrough" && length(aws_iam_role_policy.tracing) == 0
    error_message = "X-Ray is on"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.network.policy).Statement[1].Effect == "Deny" && jsondecode(aws_iam_role_policy.network.policy).Statement[1].Condition.ArnEquals["lambda:SourceFunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:crossover-app"
    error_message = "the function's code may make network interfaces"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_egress_rule.group : "${r.referenced_security_group_id} ${r.from_port}"] == ["sg-0123456789abcdef1 6379"]
    error_message = "the function reaches more than the cache"
  }

  assert {
    condition     = length(jsondecode(output.call_policy).Statement) == 2 && jsondecode(output.call_policy).Statement[1].Condition.Bool["lambda:InvokedViaFunctionUrl"] == "true"
    error_message = "callers do not have the two rights that URLs need"
  }
}

run "public_url" {

  module {
    source = "./modules/lambda"
  }

  variables {
    auth               = "NONE"
    public_url_consent = true
  }

  assert {
    condition     = aws_lambda_permission.public_url[0].action == "lambda:InvokeFunctionUrl" && aws_lambda_permission.public_url[0].function_url_auth_type == "NONE" && aws_lambda_permission.public_url[0].principal == "*"
    error_message = "the first permission of public URLs is missing"
  }

  assert {
    condition     = aws_lambda_permission.public_invoke[0].action == "lambda:InvokeFunction" && aws_lambda_permission.public_invoke[0].invoked_via_function_url && aws_lambda_permission.public_invoke[0].qualifier == "live"
    error_message = "the second permission of public URLs is missing, or not bound to the URL"
  }

  assert {
    condition     = output.call_policy == null
    error_message = "callers of a public URL need a policy"
  }
}

run "http_api" {

  module {
    source = "./modules/lambda"
  }

  variables {
    front_door = "http_api"
  }

  assert {
    condition     = aws_apigatewayv2_route.this[0].authorization_type == "AWS_IAM" && aws_apigatewayv2_integration.this[0].payload_format_version == "2.0"
    error_message = "the HTTP API is not signed"
  }

  assert {
    condition     = aws_lambda_permission.http_api[0].source_arn == "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/*/$default" && length(aws_lambda_function_url.this) == 0
    error_message = "another API may call, or there is a URL beside the API"
  }

  assert {
    condition     = [for s in jsondecode(output.call_policy).Statement : "${s.Action} ${s.Resource}"] == ["execute-api:Invoke arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/*"]
    error_message = "callers do not have the right to this API, or to more"
  }
}

run "alb" {

  module {
    source = "./modules/lambda"
  }

  variables {
    front_door = "alb"
    alb        = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/an-alb/50dc6c495c0c9188", security_group_id = "sg-0123456789abcdef0", host = "alb.example.com", port = 8081, callers = { office = "203.0.113.0/24" } }
  }

  assert {
    condition     = aws_lb_target_group.this[0].target_type == "lambda" && aws_lb_target_group.this[0].lambda_multi_value_headers_enabled && !aws_lb_target_group.this[0].health_check[0].enabled
    error_message = "repeated headers are lost, or health checks keep an environment warm"
  }

  assert {
    condition     = aws_lb_target_group.this[0].health_check[0].interval > aws_lb_target_group.this[0].health_check[0].timeout
    error_message = "AWS refuses a health check that is due before the one before has ended, even one that is off"
  }

  assert {
    condition     = aws_lb_target_group_attachment.this[0].target_id == aws_lambda_alias.live.arn && aws_lambda_permission.alb[0].source_arn == aws_lb_target_group.this[0].arn
    error_message = "the ALB does not call the alias"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.alb : "${r.cidr_ipv4} ${r.from_port}"] == ["203.0.113.0/24 8081"]
    error_message = "others than the callers reach the listener"
  }

  assert {
    condition     = output.target.url == "http://alb.example.com:8081" && output.target.auth == "NONE" && output.call_policy == null
    error_message = "the target is not described"
  }
}

run "stream" {

  module {
    source = "./modules/lambda"
  }

  variables {
    response_stream = true
  }

  assert {
    condition     = aws_lambda_function_url.this[0].invoke_mode == "RESPONSE_STREAM" && aws_lambda_function.this.environment[0].variables.LAMBDA_RESPONSE_MODE == "stream"
    error_message = "URL and function do not agree on streaming"
  }
}

run "image" {

  module {
    source = "./modules/lambda"
  }

  variables {
    zip                     = null
    image_uri               = "123456789012.dkr.ecr.us-east-1.amazonaws.com/crossover:v1"
    provisioned_concurrency = 2
    tracing                 = true
  }

  assert {
    condition     = aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.runtime == null && aws_lambda_function.this.filename == null
    error_message = "an image is deployed as a zip"
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.live[0].provisioned_concurrent_executions == 2 && aws_lambda_provisioned_concurrency_config.live[0].qualifier == "live"
    error_message = "no environment is kept warm for the alias"
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active" && length(aws_iam_role_policy.tracing) == 1
    error_message = "X-Ray is off"
  }
}

run "zip_missing" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    zip = "tests/fixtures/no-such-file.zip"
  }

  expect_failures = [aws_lambda_function.this]
}

run "both_packages" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/crossover:v1"
  }

  expect_failures = [var.image_uri]
}

run "memory_too_large" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    memory_mb = 10241
  }

  expect_failures = [var.memory_mb]
}

run "public_url_without_consent" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    auth = "NONE"
  }

  expect_failures = [var.auth]
}

run "alb_that_is_not_there" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    front_door = "alb"
  }

  expect_failures = [var.front_door]
}

run "stream_through_an_alb" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    front_door      = "alb"
    alb             = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/an-alb/50dc6c495c0c9188", security_group_id = "sg-0123456789abcdef0", host = "alb.example.com", port = 8081, callers = { office = "203.0.113.0/24" } }
    response_stream = true
  }

  expect_failures = [var.response_stream]
}

run "variable_of_lambda" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    environment = { AWS_REGION = "us-east-1" }
  }

  expect_failures = [var.environment]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    name                 = "a--b"
    zip                  = "bootstrap"
    policies             = { read = "s3:GetObject" }
    arch                 = "riscv64"
    timeout_s            = 901
    reserved_concurrency = 0
    log_retention_days   = 8
    environment          = { AB = format("%04090d", 0) } # more than Lambda takes
    vpc_id               = "default"
    subnet_ids           = []
    egress               = { x = { security_group_id = "sg-0123456789abcdef0", port = 0 } }
    tags                 = { "aws:x" = "y" }
    alb                  = { arn = "arn", security_group_id = "sg", host = "h", port = 0, callers = {} }
  }

  expect_failures = [
    var.alb,
    var.arch,
    var.egress,
    var.environment,
    var.log_retention_days,
    var.name,
    var.policies,
    var.reserved_concurrency,
    var.subnet_ids,
    var.tags,
    var.timeout_s,
    var.vpc_id,
    var.zip,
  ]
}

run "more_wrong_inputs" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    name                    = "sg-app"
    provisioned_concurrency = 101
    alb                     = { arn = "arn", security_group_id = "sg", host = "h", port = 80, callers = { a = "1.0.0.0/8", b = "2.0.0.0/8" } }
  }

  expect_failures = [
    var.alb,
    var.name,
    var.provisioned_concurrency,
  ]
}

run "inputs_that_depend_on_others" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    provisioned_concurrency = -1
    front_door              = "rest_api"
  }

  expect_failures = [
    var.front_door,
    var.provisioned_concurrency,
  ]
}

run "more_inputs_that_depend_on_others" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    image_uri = "docker.io/library/crossover:v1"
    auth      = "BASIC"
  }

  expect_failures = [
    var.auth,
    var.image_uri,
  ]
}

run "names_that_aws_refuses" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    egress = { "Bob's" = { security_group_id = "sg-0123456789abcdef0", port = 1 } }
    alb    = { arn = "arn", security_group_id = "sg", host = "h", port = 80, callers = { "Bob's" = "203.0.113.0/24" } }
    tags   = { Team = "x", team = "y" }

    environment = { LAMBDA_TASK_ROOT = "/" }
  }

  expect_failures = [var.alb, var.egress, var.environment, var.tags]
}

run "rules_that_there_are_already" {
  command = plan

  module {
    source = "./modules/lambda"
  }

  variables {
    alb = { arn = "arn", security_group_id = "sg", host = "h", port = 80, callers = { office = "203.0.113.0/24", again = "203.0.113.0/24" } }
    egress = {
      redis = { security_group_id = "sg-0123456789abcdef0", port = 6379 }
      again = { security_group_id = "sg-0123456789abcdef0", port = 6379 }
    }
  }

  expect_failures = [var.alb, var.egress]
}
