variable "name" {
  description = "Start of the names of all that is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 20 && !can(regex("^(sg-|sthree-|amzn-s3-demo-)", var.name))
    error_message = "name: allowed are 3 to 20 lower-case letters, digits and single hyphens, the first a letter and the last no hyphen, and not sg-, sthree- or amzn-s3-demo- at the start, which AWS keeps for itself."
  }
}

variable "bench_binary" {
  description = "Path of bench for Linux, as `task build` makes it: dist/bench. Checked when it is applied, not when it is destroyed."
  type        = string
  nullable    = false

  validation {
    condition     = trimspace(var.bench_binary) != ""
    error_message = "bench_binary: allowed is the path of a program for Linux, such as dist/bench."
  }
}

variable "arch" {
  description = "Architecture of the binary and the instances: arm64 or x86_64."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.arch)
    error_message = "arch: allowed are arm64 and x86_64."
  }
}

variable "instance_type" {
  description = "Size of the instances; null is c7g.large or c7i.large. No burstable type: a generator that runs out of credits measures itself."
  type        = string
  default     = null

  validation {
    condition     = var.instance_type == null || can(regex("^[a-z]+[0-9]+[a-z-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type: allowed are EC2's instance types, such as c7g.large or c7i.large."
  }

  validation {
    condition     = var.instance_type == null || !can(regex("^t[0-9]", var.instance_type))
    error_message = "instance_type: allowed are types that do not burst, such as c7g.large; a generator that runs out of credits measures itself."
  }

  validation {
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html: a g after the generation is Graviton.
    condition     = var.instance_type == null || can(regex("^(a1|[a-z]+[0-9]+[a-z-]*g[a-z-]*)\\.", var.instance_type)) == (var.arch == "arm64")
    error_message = "instance_type: it is not ${var.arch}. Types with a g after the generation, such as c7g and m8gn, are arm64, all others x86_64."
  }
}

variable "instance_count" {
  description = "How many instances there are."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.instance_count >= 1 && var.instance_count <= 20 && floor(var.instance_count) == var.instance_count
    error_message = "instance_count: allowed are whole numbers from 1 to 20."
  }
}

variable "ami_id" {
  description = "Machine image; null is the newest Amazon Linux 2023. It must have the SSM agent, the AWS CLI and the architecture."
  type        = string
  default     = null

  validation {
    condition     = var.ami_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id: allowed is an image such as ami-0123456789abcdef0, or null for the newest Amazon Linux 2023."
  }
}

variable "vpc_id" {
  description = "The VPC of the targets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "vpc_id: allowed is the ID of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Public subnets; the instances take turns."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "subnet_ids: at least one public subnet is needed."
  }
}

variable "egress_ports" {
  description = "TCP ports of the targets, to anywhere; 443 is always open, for AWS."
  type        = set(number)
  default     = [80]
  nullable    = false

  validation {
    condition     = alltrue([for p in var.egress_ports : p >= 1 && p <= 65535 && floor(p) == p])
    error_message = "egress_ports: allowed are 1 to 65535."
  }
}

variable "policies" {
  description = "What bench may do, beside putting results into the bucket: IAM policies in JSON by name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, policy in var.policies : can(regex("^[A-Za-z0-9_-]{1,64}$", name)) && can(jsondecode(policy).Statement)])
    error_message = "policies: allowed are policy documents in JSON, with a Statement, by names of 1 to 64 letters, digits, underscores and hyphens."
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
