# Outputs alone need no provider: `terraform apply` works without a network.
terraform {
  required_version = ">= 1.11"
}

variable "url" {
  type = string
}

output "targets" {
  value = {
    targets = [
      { name = "ec2", kind = "ec2", url = var.url, region = "us-east-1", instance_type = "t4g.small", instances = 1, credit_mode = "unlimited", tls = false, autoscaling_group = "crossover" },
      { name = "lambda", kind = "lambda", url = var.url, region = "us-east-1", memory_mb = 512, front_door = "http_api", log_group = "/aws/lambda/crossover", function_name = "crossover", another = "that bench does not know" },
    ]
  }
}

output "load_generator" {
  value = null
}

output "password" {
  value     = "hunter2"
  sensitive = true
}
