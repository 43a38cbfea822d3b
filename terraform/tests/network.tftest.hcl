# The module network alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "crossover"
  availability_zones = ["us-east-1a", "us-east-1b"]
}

run "private_by_default" {

  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_subnet.private) == 2 && length(aws_subnet.public) == 2
    error_message = "there are not two subnets of each kind"
  }

  assert {
    condition     = length(distinct([for s in concat(values(aws_subnet.private), values(aws_subnet.public)) : s.cidr_block])) == 4
    error_message = "subnets share addresses"
  }

  assert {
    condition     = alltrue([for s in aws_subnet.public : !s.map_public_ip_on_launch])
    error_message = "a subnet gives public addresses to all that starts in it"
  }

  assert {
    condition     = length(aws_nat_gateway.this) + length(aws_eip.nat) + length(aws_route.private_internet) == 0
    error_message = "the private subnets have a way to the internet"
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) + length(aws_flow_log.this) + length(aws_cloudwatch_log_group.flow) == 0
    error_message = "there is what costs and was not asked for"
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && length(aws_vpc_endpoint.s3.route_table_ids) >= 1
    error_message = "S3 is not reached through a gateway endpoint"
  }

  assert {
    condition     = jsondecode(aws_vpc_endpoint.s3.policy).Statement[0].Condition.StringEquals["aws:ResourceAccount"] == "123456789012"
    error_message = "the endpoint lets data out to other accounts"
  }

  assert {
    condition     = output.endpoints_security_group_id == null
    error_message = "there is a security group of no endpoints"
  }
}

run "all_of_it" {

  module {
    source = "./modules/network"
  }

  variables {
    nat_gateway         = true
    flow_logs           = true
    interface_endpoints = ["ssm", "ssmmessages"]
    cidr                = "192.168.0.0/22"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && aws_route.private_internet[0].destination_cidr_block == "0.0.0.0/0"
    error_message = "there is no NAT gateway"
  }

  assert {
    condition     = aws_flow_log.this[0].traffic_type == "ALL" && aws_cloudwatch_log_group.flow[0].retention_in_days == 7
    error_message = "flow logs are not kept for a while"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.flow[0].policy).Statement[0].Action == ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    error_message = "flow logs lack a right that AWS asks for, or could make their group again after it is destroyed"
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.flow[0].policy).Statement[1] == { Effect = "Allow", Action = "logs:DescribeLogGroups", Resource = "*" }
    error_message = "flow logs may not list log groups, which is checked against all of them"
  }

  assert {
    condition     = alltrue([for e in aws_vpc_endpoint.interface : e.private_dns_enabled && length(e.subnet_ids) == 1])
    error_message = "interface endpoints are in more zones than one, or not found by name"
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == "192.168.0.0/22" && aws_vpc_security_group_ingress_rule.endpoints[0].from_port == 443
    error_message = "endpoints are open to others than the VPC"
  }
}

run "one_zone" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    availability_zones = ["us-east-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "same_zone_twice" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    availability_zones = ["us-east-1a", "us-east-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "public_addresses" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "172.32.0.0/16"
  }

  expect_failures = [var.cidr]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name                = "Net"
    interface_endpoints = ["s3"]
    log_retention_days  = 8
    tags                = { "aws:x" = "y" }
  }

  expect_failures = [
    var.interface_endpoints,
    var.log_retention_days,
    var.name,
    var.tags,
  ]
}

run "name_that_aws_keeps" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name = "sg-net"
    tags = { Team = "x", team = "y" }
  }

  expect_failures = [var.name, var.tags]
}
