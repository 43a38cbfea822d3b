terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 6.29 is the first with invoked_via_function_url of aws_lambda_permission.
      version = ">= 6.29, < 7.0"
    }
  }
}
