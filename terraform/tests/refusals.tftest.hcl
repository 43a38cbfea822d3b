# Inputs that must fail, before anything is made. Several are wrong at once, each for the reason beside it: terraform names all of them, and
# a run block takes as long as a plan.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  caller_cidrs  = ["203.0.113.7/32"]
  server_binary = "tests/fixtures/arm64.elf"
  bench_binary  = "tests/fixtures/arm64.elf"
  lambda_zip    = "tests/fixtures/bootstrap.zip"
}

run "wrong_inputs_1" {
  command = plan

  variables {
    name                        = "a-name-of-21-letters-" # name too long
    region                      = "us-east-9"             # unknown region
    instance_count              = { min = 3, max = 2 }    # more instances than max
    caller_cidrs                = ["0.0.0.0/0"]           # whole internet
    lambda_memory_mb            = 127                     # memory too small
    lambda_front_door           = "rest_api"              # unknown front door
    lambda_reserved_concurrency = 0                       # no concurrency
    redis_engine                = "memcached"             # unknown engine
    redis_node_type             = "t4g.micro"             # node type that is none
    vpc_cidr                    = "8.8.0.0/16"            # public vpc
    az_count                    = 1                       # one zone
    log_retention_days          = 8                       # retention that aws does not know
    ttl_hours                   = 0                       # expiry now
    monthly_budget_usd          = 50                      # budget without address
    tags                        = { stack = "mine" }      # own tag
  }

  expect_failures = [
    var.az_count,
    var.caller_cidrs,
    var.instance_count,
    var.lambda_front_door,
    var.lambda_memory_mb,
    var.lambda_reserved_concurrency,
    var.log_retention_days,
    var.monthly_budget_usd,
    var.name,
    var.redis_engine,
    var.redis_node_type,
    var.region,
    var.tags,
    var.ttl_hours,
    var.vpc_cidr,
  ]
}

run "wrong_inputs_2" {
  command = plan

  variables {
    name                           = "internal-app" # name that aws keeps
    region                         = "mx-central-1" # region without arm64
    alb                            = false
    instance_count                 = { min = 2, max = 2 }         # two instances without alb
    caller_cidrs                   = ["0.0.0.0/1", "128.0.0.0/1"] # half the internet
    lambda_memory_mb               = 10241                        # memory too large
    lambda_reserved_concurrency    = 5
    lambda_provisioned_concurrency = 6                   # more provisioned than reserved
    redis_node_type                = "cache.r6gd.xlarge" # node type with disks
    vpc_cidr                       = "10.0.0.0/24"       # vpc too small
    monthly_budget_usd             = 50
    budget_email                   = "you"             # address that is none
    tags                           = { "aws:x" = "y" } # reserved tag
  }

  expect_failures = [
    var.arch,
    var.budget_email,
    var.caller_cidrs,
    var.instance_count,
    var.lambda_memory_mb,
    var.lambda_provisioned_concurrency,
    var.name,
    var.redis_node_type,
    var.tags,
    var.vpc_cidr,
  ]
}

run "wrong_inputs_3" {
  command = plan

  variables {
    name              = "Crossover"        # name with capitals
    arch              = "riscv64"          # unknown arch
    caller_cidrs      = ["203.0.113.7/24"] # cidr with host bits
    lambda_memory_mb  = 512.5              # memory in parts
    alb               = false
    lambda_front_door = "alb"                            # front door without alb
    lambda_image_uri  = "docker.io/library/crossover:v1" # image from elsewhere
    vpc_cidr          = "10.42.0.0"                      # vpc that is none
    tags              = { Team = "x", team = "y" }       # keys that iam takes for one
  }

  expect_failures = [
    var.arch,
    var.caller_cidrs,
    var.lambda_front_door,
    var.lambda_image_uri,
    var.lambda_memory_mb,
    var.name,
    var.tags,
    var.vpc_cidr,
  ]
}

run "wrong_inputs_4" {
  command = plan

  variables {
    instance_type                = "c7i.large"                                                                           # instance type of the other arch
    caller_cidrs                 = ["203.0.113.7"]                                                                       # cidr that is none
    lambda_auth                  = "NONE"                                                                                # public url without consent
    lambda_image_uri             = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/crossover:v1"                           # image of another region
    certificate_arn              = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" # certificate without name
    load_generator               = true
    load_generator_instance_type = "t4g.large" # generator that bursts
  }

  expect_failures = [
    var.caller_cidrs,
    var.certificate_arn,
    var.instance_type,
    var.lambda_auth,
    var.lambda_image_uri,
    var.load_generator_instance_type,
  ]
}

run "wrong_inputs_5" {
  command = plan

  variables {
    arch              = "x86_64"
    server_binary     = "tests/fixtures/x86_64.elf"
    bench_binary      = "tests/fixtures/x86_64.elf"
    instance_type     = "c7gn.medium"     # graviton on x86
    caller_cidrs      = ["2001:db8::/32"] # ipv6 caller
    lambda_auth       = "NONE"            # public http api without consent
    lambda_front_door = "http_api"
  }

  expect_failures = [
    var.caller_cidrs,
    var.instance_type,
    var.lambda_auth,
  ]
}

run "wrong_inputs_6" {
  command = plan

  variables {
    instance_type                = "large"                                                                               # no instance type
    certificate_arn              = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" # certificate without alb
    domain_name                  = "bench.example.com"
    alb                          = false
    load_generator               = true
    load_generator_instance_type = "c7i.large" # generator of the other arch
  }

  expect_failures = [
    var.certificate_arn,
    var.instance_type,
    var.load_generator_instance_type,
  ]
}

run "certificate_of_another_region" {
  command = plan

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_name     = "bench.example.com"
    region          = "eu-west-1"
  }

  expect_failures = [
    var.certificate_arn,
  ]
}

run "more_callers_than_rules" {
  command = plan

  variables {
    caller_cidrs         = [for i in range(21) : "203.0.113.${i}/32"]
    lambda_front_door    = "alb"
    load_generator       = true
    load_generator_count = 10 # with the 21, two rules each: 62
  }

  expect_failures = [
    output.targets,
  ]
}

run "nobody_may_call" {
  command = plan

  variables {
    caller_cidrs = []
  }

  expect_failures = [
    output.targets,
  ]
}

run "wrong_inputs" {
  command = plan

  variables {
    name                           = "sg-app"                                  # name that aws keeps
    caller_cidrs                   = [for i in range(1, 224) : "${i}.0.0.0/8"] # the internet in parts
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
    var.caller_cidrs,
    var.domain_name,
    var.lambda_provisioned_concurrency,
    var.lambda_zip,
    var.load_generator_count,
    var.monthly_budget_usd,
    var.name,
    var.server_binary,
  ]
}
