# The module ec2 alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "crossover"
  arch               = "arm64"
  instance_type      = "t4g.small"
  server_binary      = "tests/fixtures/arm64.elf"
  environment        = { REDIS_URL = "rediss://cache.example.com:6379", GREETING = "100 %" }
  callers            = { office = "203.0.113.0/24" }
  vpc_id             = "vpc-0123456789abcdef0"
  public_subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
  private_subnet_ids = ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]
  s3_prefix_list_id  = "pl-0123456789abcdef0"
  egress             = { redis = { security_group_id = "sg-0123456789abcdef0", port = 6379 } }
}

run "behind_an_alb" {

  module {
    source = "./modules/ec2"
  }

  assert {
    condition     = aws_launch_template.this[0].metadata_options[0].http_tokens == "required" && aws_launch_template.this[0].metadata_options[0].http_put_response_hop_limit == 1
    error_message = "IMDSv1 is on"
  }

  assert {
    condition     = aws_launch_template.this[0].key_name == null && aws_launch_template.this[0].block_device_mappings[0].ebs[0].encrypted == "true" && aws_launch_template.this[0].block_device_mappings[0].ebs[0].volume_type == "gp3"
    error_message = "there is a key for SSH, or the volume is not encrypted gp3"
  }

  assert {
    condition     = aws_launch_template.this[0].credit_specification[0].cpu_credits == "unlimited"
    error_message = "a run would be throttled when credits end"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this[0].user_data), filesha256("tests/fixtures/arm64.elf")) && endswith(aws_s3_object.server.key, filesha256("tests/fixtures/arm64.elf"))
    error_message = "the binary is not installed by its checksum"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this[0].user_data), "DynamicUser=yes") && strcontains(base64decode(aws_launch_template.this[0].user_data), "NoNewPrivileges=yes")
    error_message = "the server is not sandboxed"
  }

  assert {
    condition     = strcontains(base64decode(aws_launch_template.this[0].user_data), "Environment=\"GREETING=100 %%\"") && strcontains(base64decode(aws_launch_template.this[0].user_data), "Environment=\"AWS_REGION=us-east-1\"")
    error_message = "the environment does not reach the server"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.alb : "${r.cidr_ipv4} ${r.from_port}"] == ["203.0.113.0/24 80"]
    error_message = "others than the callers reach the ALB"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.from_alb[0].referenced_security_group_id == aws_security_group.alb[0].id && length(aws_vpc_security_group_ingress_rule.from_callers) == 0
    error_message = "the instances are reached by others than the ALB"
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.https) == 0 && aws_vpc_security_group_egress_rule.s3.prefix_list_id == "pl-0123456789abcdef0"
    error_message = "the instances reach the internet"
  }

  assert {
    condition     = aws_autoscaling_group.this[0].vpc_zone_identifier == toset(var.private_subnet_ids) && aws_autoscaling_group.this[0].health_check_type == "ELB"
    error_message = "the instances are not in the private subnets"
  }

  assert {
    condition     = aws_autoscaling_group.this[0].health_check_grace_period >= 60 + 2 * aws_lb_target_group.instances[0].health_check[0].interval + 60
    error_message = "an instance is replaced before it can have booted, waited for its binary and answered health checks"
  }

  assert {
    condition     = aws_autoscaling_group.this[0].instance_refresh[0].strategy == "Rolling" && aws_autoscaling_group.this[0].instance_refresh[0].preferences[0].min_healthy_percentage == 100
    error_message = "a new binary does not roll"
  }

  assert {
    condition     = aws_autoscaling_group.this[0].instance_refresh[0].preferences[0].auto_rollback != true
    error_message = "AWS refuses a further template while a refresh that can roll back is under way"
  }

  assert {
    condition     = aws_autoscaling_group.this[0].min_elb_capacity == 1 && aws_autoscaling_group.this[0].wait_for_elb_capacity == null && aws_autoscaling_group.this[0].desired_capacity == 1
    error_message = "apply does not wait for the instances, or an update waits for as many as there were before"
  }

  assert {
    condition     = length(aws_autoscaling_policy.cpu) == 0 && length(aws_instance.single) == 0
    error_message = "there is what was not asked for"
  }

  assert {
    condition     = aws_lb.this[0].drop_invalid_header_fields && !aws_lb.this[0].enable_deletion_protection
    error_message = "the ALB lets invalid headers through, or cannot be destroyed"
  }
}

run "scales" {

  module {
    source = "./modules/ec2"
  }

  variables {
    instance_count = { min = 1, max = 4 }
    instance_type  = "c7g.large"
  }

  assert {
    condition     = aws_autoscaling_group.this[0].min_elb_capacity == 1 && aws_autoscaling_group.this[0].min_size == 1
    error_message = "apply does not wait for the instances"
  }

  assert {
    condition     = aws_autoscaling_policy.cpu[0].target_tracking_configuration[0].target_value == 60
    error_message = "nothing scales"
  }

  assert {
    condition     = length(aws_launch_template.this[0].credit_specification) == 0 && output.target.credit_mode == null
    error_message = "an instance type without credits has a credit mode"
  }
}

run "tls" {

  module {
    source = "./modules/ec2"
  }

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
    domain_name     = "bench.example.com"
  }

  assert {
    condition     = aws_lb_listener.this[0].protocol == "HTTPS" && aws_lb_listener.this[0].port == 443 && startswith(aws_lb_listener.this[0].ssl_policy, "ELBSecurityPolicy-TLS13-1-2")
    error_message = "TLS is off, or takes old versions"
  }
}

run "single_instance" {

  module {
    source = "./modules/ec2"
  }

  variables {
    alb          = false
    https_egress = true
    tags         = { project = "crossover", stack = "s" }
  }

  assert {
    condition     = tomap(aws_instance.single[0].volume_tags) == tomap({ Name = "crossover-ec2", stack = "s" })
    error_message = "tags of the volume are missing, or are among the provider's default tags, so that each plan adds them again"
  }

  assert {
    condition     = aws_instance.single[0].metadata_options[0].http_tokens == "required" && aws_instance.single[0].root_block_device[0].encrypted
    error_message = "IMDSv1 is on, or the volume is not encrypted"
  }

  assert {
    condition     = [for r in aws_vpc_security_group_ingress_rule.from_callers : "${r.cidr_ipv4} ${r.from_port}-${r.to_port}"] == ["203.0.113.0/24 8080-8080"]
    error_message = "others than the callers reach the instance, or other ports"
  }

  assert {
    condition     = length(aws_lb.this) + length(aws_autoscaling_group.this) + length(aws_launch_template.this) == 0 && aws_instance.single[0].user_data_replace_on_change
    error_message = "there is an ALB, or a new binary does not replace the instance"
  }
}

run "without_session_manager" {

  module {
    source = "./modules/ec2"
  }

  variables {
    session_manager = false
  }

  assert {
    condition     = length(module.role.role_arn) > 0
    error_message = "there is no role"
  }
}

run "binary_missing" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    server_binary = "tests/fixtures/no-such-file"
  }

  expect_failures = [aws_s3_object.server]
}

run "binary_of_the_other_arch" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    server_binary = "tests/fixtures/x86_64.elf"
  }

  expect_failures = [aws_s3_object.server]
}

run "binary_that_is_none" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    server_binary = "tests/ec2.tftest.hcl"
  }

  expect_failures = [aws_s3_object.server]
}

run "instance_type_of_the_other_arch" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    instance_type = "m7i-flex.large"
  }

  expect_failures = [var.instance_type]
}

run "whole_internet" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    callers = { all = "0.0.0.0/0" }
  }

  expect_failures = [var.callers]
}

run "texts_that_break_out" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    environment = { A = "1\nExecStartPre=/bin/false" }
    callers     = { "Bob's" = "203.0.113.0/24" }
    egress      = { "Bob's" = { security_group_id = "sg-0123456789abcdef0", port = 1 } }
    tags        = { Team = "x", team = "y" }
  }

  expect_failures = [var.callers, var.egress, var.environment, var.tags]
}

run "rules_that_there_are_already" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    callers = { office = "203.0.113.0/24", again = "203.0.113.0/24" }
    egress = {
      redis = { security_group_id = "sg-0123456789abcdef0", port = 6379 }
      again = { security_group_id = "sg-0123456789abcdef0", port = 6379 }
    }
  }

  expect_failures = [var.callers, var.egress]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    name               = "internal-x"
    server_binary      = ""
    policies           = { read = "s3:GetObject" }
    arch               = "riscv64"
    instance_count     = { min = 0, max = 1 }
    cpu_target         = 95
    ami_id             = "al2023"
    vpc_id             = "default"
    public_subnet_ids  = ["subnet-0123456789abcdef0"]
    private_subnet_ids = []
    s3_prefix_list_id  = "s3"
    environment        = { A = format("%013000d", 0) } # more than fits into user data
    callers            = { a = "1.0.0.0/8", b = "2.0.0.0/8" }
    egress             = { x = { security_group_id = "sg-0123456789abcdef0", port = 65536 } }
    domain_name        = "https://bench.example.com"
    tags               = { "aws:x" = "y" }
  }

  expect_failures = [
    var.ami_id,
    var.arch,
    var.callers,
    var.cpu_target,
    var.domain_name,
    var.egress,
    var.environment,
    var.instance_count,
    var.name,
    var.policies,
    var.private_subnet_ids,
    var.public_subnet_ids,
    var.s3_prefix_list_id,
    var.server_binary,
    var.tags,
    var.vpc_id,
  ]
}

run "wrong_without_alb" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    alb             = false
    instance_count  = { min = 2, max = 2 }
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
  }

  expect_failures = [
    var.certificate_arn,
    var.instance_count,
  ]
}

run "certificate_without_name" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
  }

  expect_failures = [
    var.certificate_arn,
  ]
}

run "inputs_that_depend_on_others" {
  command = plan

  module {
    source = "./modules/ec2"
  }

  variables {
    instance_type   = "large"
    certificate_arn = "cert"
  }

  expect_failures = [
    var.certificate_arn,
    var.instance_type,
  ]
}
