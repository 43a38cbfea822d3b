# The module instance_role alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "crossover-ec2-"
}

run "session_manager" {

  module {
    source = "./modules/instance_role"
  }

  variables {
    policies = { nothing = jsonencode({ Version = "2012-10-17", Statement = [] }) }
  }

  assert {
    condition     = alltrue([for a in jsondecode(aws_iam_role_policy.session_manager[0].policy).Statement[0].Action : !strcontains(a, "*") && !startswith(a, "ssm:GetParameter")])
    error_message = "the instance may do more than be reached"
  }

  assert {
    condition     = length(aws_iam_role_policy.this) == 1
    error_message = "the policy is not there"
  }
}

run "closed" {

  module {
    source = "./modules/instance_role"
  }

  variables {
    session_manager = false
  }

  assert {
    condition     = length(aws_iam_role_policy.session_manager) == 0
    error_message = "Session Manager may reach the instance"
  }
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/instance_role"
  }

  variables {
    name     = "a b"
    policies = { "a b" = "{\"Statement\": []}" }
    tags     = { "aws:x" = "y" }
  }

  expect_failures = [
    var.name,
    var.policies,
    var.tags,
  ]
}

run "policy_that_is_none" {
  command = plan

  module {
    source = "./modules/instance_role"
  }

  variables {
    policies = { read = "s3:GetObject" }
    tags     = { Team = "x", team = "y" }
  }

  expect_failures = [
    var.policies,
    var.tags,
  ]
}
