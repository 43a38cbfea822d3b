# The module load_generator alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name         = "crossover"
  arch         = "arm64"
  bench_binary = "tests/fixtures/arm64.elf"
  vpc_id       = "vpc-0123456789abcdef0"
  subnet_ids   = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
}

run "one" {

  module {
    source = "./modules/load_generator"
  }

  variables {
    tags = { project = "crossover", team = "b" }
  }

  assert {
    condition     = tomap(aws_instance.this[0].volume_tags) == tomap({ Name = "crossover-load-generator-0", team = "b" })
    error_message = "tags of the volume are missing, or are among the provider's default tags, so that each plan adds them again"
  }

  assert {
    condition     = aws_instance.this[0].metadata_options[0].http_tokens == "required" && aws_instance.this[0].root_block_device[0].encrypted
    error_message = "IMDSv1 is on, or the volume is not encrypted"
  }

  assert {
    condition     = sort([for r in aws_vpc_security_group_egress_rule.this : format("%d", r.from_port)]) == tolist(["443", "80"])
    error_message = "more ports are open than those of the targets and AWS"
  }

  assert {
    condition     = strcontains(aws_instance.this[0].user_data, filesha256("tests/fixtures/arm64.elf")) && aws_instance.this[0].user_data_replace_on_change
    error_message = "bench is not installed by its checksum"
  }

  assert {
    condition     = aws_instance.this[0].instance_type == "c7g.large" && output.public_ips == ["198.51.100.7"]
    error_message = "the instance is not described"
  }
}

run "several" {

  module {
    source = "./modules/load_generator"
  }

  variables {
    instance_count = 3
  }

  assert {
    condition     = [for i in aws_instance.this : i.subnet_id] == ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1", "subnet-0123456789abcdef0"]
    error_message = "the instances do not take turns with the subnets"
  }
}

run "binary_missing" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    bench_binary = "tests/fixtures/no-such-file"
  }

  expect_failures = [aws_s3_object.bench]
}

run "binary_of_the_other_arch" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    bench_binary = "tests/fixtures/x86_64.elf"
  }

  expect_failures = [aws_s3_object.bench]
}

run "type_that_bursts" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    instance_type = "t4g.large"
  }

  expect_failures = [var.instance_type]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    name           = "a--b"
    bench_binary   = " "
    arch           = "riscv64"
    instance_count = 21
    ami_id         = "al2023"
    vpc_id         = "default"
    subnet_ids     = []
    egress_ports   = [0]
    policies       = { "a b" = "{}" }
    tags           = { "aws:x" = "y" }
  }

  expect_failures = [
    var.ami_id,
    var.arch,
    var.bench_binary,
    var.egress_ports,
    var.instance_count,
    var.name,
    var.policies,
    var.subnet_ids,
    var.tags,
    var.vpc_id,
  ]
}

run "type_of_the_other_arch" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    instance_type = "c7i.large"
  }

  expect_failures = [
    var.instance_type,
  ]
}

run "inputs_that_depend_on_others" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    instance_type = "large"
  }

  expect_failures = [
    var.instance_type,
  ]
}

run "name_that_aws_keeps" {
  command = plan

  module {
    source = "./modules/load_generator"
  }

  variables {
    name = "amzn-s3-demo-bench"
    tags = { Team = "x", team = "y" }
  }

  expect_failures = [var.name, var.tags]
}
