# Regions and zones that lack what is asked for, which AWS tells when it is planned.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  caller_cidrs  = ["203.0.113.7/32"]
  server_binary = "tests/fixtures/arm64.elf"
  bench_binary  = "tests/fixtures/arm64.elf"
  lambda_zip    = "tests/fixtures/bootstrap.zip"
}

# The types of this stack are in one zone only.
run "zones_with_the_instance_type" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.zones
    values = { locations = ["us-east-1b"] }
  }

  expect_failures = [data.aws_availability_zones.available]
}

run "instance_type_that_the_region_lacks" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.zones
    values = { locations = [] }
  }

  expect_failures = [data.aws_ec2_instance_type_offerings.zones["t4g.small"]]
}
