# The module bucket alone.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "crossover-results-"
}

run "private" {

  module {
    source = "./modules/bucket"
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy && aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    error_message = "the bucket can become public"
  }

  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Effect == "Deny" && jsondecode(aws_s3_bucket_policy.this.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "the bucket takes plain HTTP"
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy
    error_message = "a bucket with objects in it cannot be destroyed"
  }
}

run "name_too_long" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    name = "a-name-of-more-than-37-letters-and-digits-"
  }

  expect_failures = [var.name]
}

# Every input that can be wrong, in every way, all at once: each has to be named.

run "wrong_inputs" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    tags = { "aws:x" = "y" }
  }

  expect_failures = [
    var.tags,
  ]
}

run "name_that_aws_keeps" {
  command = plan

  module {
    source = "./modules/bucket"
  }

  variables {
    name = "sthree-results-"
  }

  expect_failures = [var.name]
}
