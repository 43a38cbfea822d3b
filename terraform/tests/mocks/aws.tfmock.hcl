# What AWS would answer, for runs of terraform test without an account.

mock_data "aws_region" {
  defaults = { region = "us-east-1" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws" }
}

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012" }
}

mock_data "aws_default_tags" {
  defaults = { tags = { project = "crossover", team = "a" } }
}

mock_data "aws_availability_zones" {
  defaults = { names = ["us-east-1a", "us-east-1b", "us-east-1c"] }
}

mock_data "aws_ec2_instance_type_offerings" {
  defaults = { locations = ["us-east-1c", "us-east-1b"] }
}

mock_data "aws_ssm_parameter" {
  defaults = { insecure_value = "ami-0123456789abcdef0" }
}

mock_resource "aws_vpc" {
  defaults = { id = "vpc-0123456789abcdef0" }
}

mock_resource "aws_vpc_endpoint" {
  defaults = { prefix_list_id = "pl-0123456789abcdef0" }
}

mock_resource "aws_s3_bucket" {
  defaults = { arn = "arn:aws:s3:::a-bucket" }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:a-group" }
}

mock_resource "aws_elasticache_user" {
  defaults = { arn = "arn:aws:elasticache:us-east-1:123456789012:user:a-user" }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    arn                      = "arn:aws:elasticache:us-east-1:123456789012:replicationgroup:a-cache"
    primary_endpoint_address = "master.a-cache.abc123.use1.cache.amazonaws.com"
  }
}

mock_resource "aws_elasticache_serverless_cache" {
  defaults = {
    arn      = "arn:aws:elasticache:us-east-1:123456789012:serverlesscache:a-cache"
    endpoint = [{ address = "a-cache-abc123.serverless.use1.cache.amazonaws.com", port = 6379 }]
  }
}

mock_resource "aws_lb" {
  defaults = {
    arn      = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/an-alb/50dc6c495c0c9188"
    dns_name = "an-alb-1234567890.us-east-1.elb.amazonaws.com"
  }
}

mock_resource "aws_lb_target_group" {
  defaults = { arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a-group/73e2d6bc24d8a067" }
}

mock_resource "aws_iam_role" {
  defaults = { arn = "arn:aws:iam::123456789012:role/a-role" }
}

mock_resource "aws_lambda_function" {
  defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:a-function", version = "1" }
}

mock_resource "aws_lambda_alias" {
  defaults = {
    arn        = "arn:aws:lambda:us-east-1:123456789012:function:a-function:live"
    invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:a-function:live/invocations"
  }
}

mock_resource "aws_lambda_function_url" {
  defaults = { function_url = "https://abcdefghij.lambda-url.us-east-1.on.aws/" }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    api_endpoint  = "https://a1b2c3d4e5.execute-api.us-east-1.amazonaws.com"
    execution_arn = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5"
  }
}

mock_resource "aws_instance" {
  defaults = { id = "i-0123456789abcdef0", public_ip = "198.51.100.7" }
}
