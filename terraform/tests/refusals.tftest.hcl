# Inputs that must fail, before anything is made.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  caller_cidrs  = ["203.0.113.7/32"]
  server_binary = "tests/fixtures/arm64.elf"
  bench_binary  = "tests/fixtures/arm64.elf"
  lambda_zip    = "tests/fixtures/bootstrap.zip"
}

run "name_too_long" {
  command = plan

  variables {
    name = "a-name-of-21-letters-"
  }

  expect_failures = [var.name]
}

run "name_that_aws_keeps" {
  command = plan

  variables {
    name = "internal-app"
  }

  expect_failures = [var.name]
}

run "name_with_capitals" {
  command = plan

  variables {
    name = "Crossover"
  }

  expect_failures = [var.name]
}

run "unknown_region" {
  command = plan

  variables {
    region = "us-east-9"
  }

  expect_failures = [var.region]
}

run "region_without_arm64" {
  command = plan

  variables {
    region = "mx-central-1"
  }

  expect_failures = [var.arch]
}

run "unknown_arch" {
  command = plan

  variables {
    arch = "riscv64"
  }

  expect_failures = [var.arch]
}

run "instance_type_of_the_other_arch" {
  command = plan

  variables {
    instance_type = "c7i.large"
  }

  expect_failures = [var.instance_type]
}

run "graviton_on_x86" {
  command = plan

  variables {
    arch          = "x86_64"
    server_binary = "tests/fixtures/x86_64.elf"
    bench_binary  = "tests/fixtures/x86_64.elf"
    instance_type = "c7gn.medium"
  }

  expect_failures = [var.instance_type]
}

run "no_instance_type" {
  command = plan

  variables {
    instance_type = "large"
  }

  expect_failures = [var.instance_type]
}

run "more_instances_than_max" {
  command = plan

  variables {
    instance_count = { min = 3, max = 2 }
  }

  expect_failures = [var.instance_count]
}

run "two_instances_without_alb" {
  command = plan

  variables {
    alb            = false
    instance_count = { min = 2, max = 2 }
  }

  expect_failures = [var.instance_count]
}

run "whole_internet" {
  command = plan

  variables {
    caller_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.caller_cidrs]
}

run "half_the_internet" {
  command = plan

  variables {
    caller_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.caller_cidrs]
}

run "cidr_with_host_bits" {
  command = plan

  variables {
    caller_cidrs = ["203.0.113.7/24"]
  }

  expect_failures = [var.caller_cidrs]
}

run "cidr_that_is_none" {
  command = plan

  variables {
    caller_cidrs = ["203.0.113.7"]
  }

  expect_failures = [var.caller_cidrs]
}

run "ipv6_caller" {
  command = plan

  variables {
    caller_cidrs = ["2001:db8::/32"]
  }

  expect_failures = [var.caller_cidrs]
}

run "nobody_may_call" {
  command = plan

  variables {
    caller_cidrs = []
  }

  expect_failures = [output.targets]
}

run "memory_too_small" {
  command = plan

  variables {
    lambda_memory_mb = 127
  }

  expect_failures = [var.lambda_memory_mb]
}

run "memory_too_large" {
  command = plan

  variables {
    lambda_memory_mb = 10241
  }

  expect_failures = [var.lambda_memory_mb]
}

run "memory_in_parts" {
  command = plan

  variables {
    lambda_memory_mb = 512.5
  }

  expect_failures = [var.lambda_memory_mb]
}

run "unknown_front_door" {
  command = plan

  variables {
    lambda_front_door = "rest_api"
  }

  expect_failures = [var.lambda_front_door]
}

run "front_door_without_alb" {
  command = plan

  variables {
    alb               = false
    lambda_front_door = "alb"
  }

  expect_failures = [var.lambda_front_door]
}

run "public_url_without_consent" {
  command = plan

  variables {
    lambda_auth = "NONE"
  }

  expect_failures = [var.lambda_auth]
}

run "public_http_api_without_consent" {
  command = plan

  variables {
    lambda_auth       = "NONE"
    lambda_front_door = "http_api"
  }

  expect_failures = [var.lambda_auth]
}

run "no_concurrency" {
  command = plan

  variables {
    lambda_reserved_concurrency = 0
  }

  expect_failures = [var.lambda_reserved_concurrency]
}

run "more_provisioned_than_reserved" {
  command = plan

  variables {
    lambda_reserved_concurrency    = 5
    lambda_provisioned_concurrency = 6
  }

  expect_failures = [var.lambda_provisioned_concurrency]
}

run "image_from_elsewhere" {
  command = plan

  variables {
    lambda_image_uri = "docker.io/library/crossover:v1"
  }

  expect_failures = [var.lambda_image_uri]
}

run "image_of_another_region" {
  command = plan

  variables {
    lambda_image_uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/crossover:v1"
  }

  expect_failures = [var.lambda_image_uri]
}

run "certificate_without_name" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
  }

  expect_failures = [var.certificate_arn]
}

run "certificate_of_another_region" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_name     = "bench.example.com"
    region          = "eu-west-1"
  }

  expect_failures = [var.certificate_arn]
}

run "certificate_without_alb" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_name     = "bench.example.com"
    alb             = false
  }

  expect_failures = [var.certificate_arn]
}

run "unknown_engine" {
  command = plan

  variables {
    redis_engine = "memcached"
  }

  expect_failures = [var.redis_engine]
}

run "node_type_that_is_none" {
  command = plan

  variables {
    redis_node_type = "t4g.micro"
  }

  expect_failures = [var.redis_node_type]
}

run "public_vpc" {
  command = plan

  variables {
    vpc_cidr = "8.8.0.0/16"
  }

  expect_failures = [var.vpc_cidr]
}

run "vpc_too_small" {
  command = plan

  variables {
    vpc_cidr = "10.0.0.0/24"
  }

  expect_failures = [var.vpc_cidr]
}

run "vpc_that_is_none" {
  command = plan

  variables {
    vpc_cidr = "10.42.0.0"
  }

  expect_failures = [var.vpc_cidr]
}

run "one_zone" {
  command = plan

  variables {
    az_count = 1
  }

  expect_failures = [var.az_count]
}

run "generator_that_bursts" {
  command = plan

  variables {
    load_generator               = true
    load_generator_instance_type = "t4g.large"
  }

  expect_failures = [var.load_generator_instance_type]
}

run "generator_of_the_other_arch" {
  command = plan

  variables {
    load_generator               = true
    load_generator_instance_type = "c7i.large"
  }

  expect_failures = [var.load_generator_instance_type]
}

run "retention_that_aws_does_not_know" {
  command = plan

  variables {
    log_retention_days = 8
  }

  expect_failures = [var.log_retention_days]
}

run "expiry_now" {
  command = plan

  variables {
    ttl_hours = 0
  }

  expect_failures = [var.ttl_hours]
}

run "budget_without_address" {
  command = plan

  variables {
    monthly_budget_usd = 50
  }

  expect_failures = [var.monthly_budget_usd]
}

run "address_that_is_none" {
  command = plan

  variables {
    monthly_budget_usd = 50
    budget_email       = "you"
  }

  expect_failures = [var.budget_email]
}

run "own_tag" {
  command = plan

  variables {
    tags = { stack = "mine" }
  }

  expect_failures = [var.tags]
}

run "reserved_tag" {
  command = plan

  variables {
    tags = { "aws:x" = "y" }
  }

  expect_failures = [var.tags]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  variables {
    domain_name                    = "https://bench.example.com"
    ami_id                         = "al2023"
    server_binary                  = " "
    lambda_zip                     = "bootstrap"
    bench_binary                   = " "
    load_generator_count           = 21
    lambda_provisioned_concurrency = -1
    monthly_budget_usd             = 0
  }

  expect_failures = [
    var.ami_id,
    var.bench_binary,
    var.domain_name,
    var.lambda_provisioned_concurrency,
    var.lambda_zip,
    var.load_generator_count,
    var.monthly_budget_usd,
    var.server_binary,
  ]
}
