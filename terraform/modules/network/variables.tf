variable "name" {
  description = "Name of the VPC and start of the names of all that is in it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name)) && !can(regex("^sg-", var.name))
    error_message = "name: allowed are 3 to 20 lower-case letters, digits and hyphens, the first a letter and the last no hyphen, and not sg- at the start, which AWS keeps for itself."
  }
}

variable "cidr" {
  description = "Private IPv4 addresses of the VPC. Half of them, in up to eight parts, are for the private subnets, the other half for the public ones."
  type        = string
  default     = "10.42.0.0/16"
  nullable    = false

  validation {
    condition = try(
      cidrsubnet(var.cidr, 0, 0) == var.cidr &&
      tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22 &&
      can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr)),
    false)
    error_message = "cidr: allowed is a private IPv4 network from /16 to /22 without host bits, such as 10.42.0.0/16."
  }
}

variable "availability_zones" {
  description = "The availability zones, each with a private and a public subnet. An ALB needs two."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 6 && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones: allowed are 2 to 6 different zones of one region, such as [\"us-east-1a\", \"us-east-1b\"]. An ALB needs two."
  }
}

variable "nat_gateway" {
  description = "Whether the private subnets reach the internet, through one NAT gateway. Nothing here needs that, and it costs more than a small instance."
  type        = bool
  default     = false
  nullable    = false
}

variable "interface_endpoints" {
  description = "AWS services that are reached from the private subnets without a NAT gateway, such as ssm. S3 always is, free of charge; each of these costs by the hour."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for s in var.interface_endpoints : can(regex("^[a-z0-9][a-z0-9.-]*$", s)) && s != "s3"])
    error_message = "interface_endpoints: allowed are names of services as in com.amazonaws.REGION.NAME, such as ssm or ssmmessages, and not s3, which has a gateway endpoint."
  }
}

variable "flow_logs" {
  description = "Whether CloudWatch Logs keeps a record of the connections in the VPC."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_retention_days" {
  description = "How long flow logs are kept, in days."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days: allowed is what CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(var.tags) <= 50 && alltrue([
      for key, value in var.tags :
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value)) && !startswith(lower(key), "aws:")
    ])
    error_message = "tags: allowed are up to 50, with keys of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+@-, and no key that starts with aws:."
  }

  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "tags: allowed are no two keys that differ in nothing but capitals; IAM takes them for one."
  }
}
