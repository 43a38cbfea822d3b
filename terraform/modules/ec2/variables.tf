variable "name" {
  description = "Start of the names of all that is made."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 20 && !can(regex("^(sg-|internal-|sthree-|amzn-s3-demo-)", var.name))
    error_message = "name: allowed are 3 to 20 lower-case letters, digits and single hyphens, the first a letter and the last no hyphen, and not sg-, internal-, sthree- or amzn-s3-demo- at the start, which AWS keeps for itself."
  }
}

# --- what runs ---------------------------------------------------------------------------------------------------------

variable "server_binary" {
  description = "Path of the server for Linux, as `task build` makes it: dist/ec2/server. Checked when it is applied, not when it is destroyed."
  type        = string
  nullable    = false

  validation {
    condition     = trimspace(var.server_binary) != ""
    error_message = "server_binary: allowed is the path of a program for Linux, such as dist/ec2/server."
  }
}

variable "environment" {
  description = "Environment of the server, beside PORT and AWS_REGION. Not for secrets: it is in the user data."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for name, value in var.environment : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", name)) && !can(regex("[\n\r]", value))])
    error_message = "environment: allowed are names of letters, digits and underscores, and values of one line."
  }

  # As the lines of the unit that they become. Four characters of base64 are three bytes.
  validation {
    condition = sum(concat([0], [
      for name, value in var.environment : length(base64encode("Environment=${jsonencode("${name}=${replace(value, "%", "%%")}")}\n"))
    ])) <= 13000 / 3 * 4
    error_message = "environment: allowed are 13,000 bytes together, some more for each variable; EC2 takes 16,384 bytes of user data."
  }
}

variable "policies" {
  description = "What the server may do: IAM policies in JSON by name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name, policy in var.policies : can(regex("^[A-Za-z0-9_-]{1,64}$", name)) && can(jsondecode(policy).Statement)])
    error_message = "policies: allowed are policy documents in JSON, with a Statement, by names of 1 to 64 letters, digits, underscores and hyphens."
  }
}

# --- on what -----------------------------------------------------------------------------------------------------------

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
  description = "Size of the instances."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+[0-9]+[a-z-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type: allowed are EC2's instance types, such as t4g.small or c7i.large."
  }

  validation {
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html: a g after the generation is Graviton.
    condition     = can(regex("^(a1|[a-z]+[0-9]+[a-z-]*g[a-z-]*)\\.", var.instance_type)) == (var.arch == "arm64")
    error_message = "instance_type: ${var.instance_type} is not ${var.arch}. Types with a g after the generation, such as t4g, c7g and m8gn, are arm64, all others x86_64."
  }
}

variable "instance_count" {
  description = "How many instances there are at least and at most; between the two the average CPU decides. Without an ALB there is exactly one."
  type = object({
    min = number
    max = number
  })
  default  = { min = 1, max = 1 }
  nullable = false

  validation {
    condition = (
      var.instance_count.min >= 1 && var.instance_count.max <= 100 && var.instance_count.min <= var.instance_count.max &&
      floor(var.instance_count.min) == var.instance_count.min && floor(var.instance_count.max) == var.instance_count.max
    )
    error_message = "instance_count: allowed are whole numbers with 1 <= min <= max <= 100, such as {min = 1, max = 4}."
  }

  validation {
    condition     = var.alb || (var.instance_count.min == 1 && var.instance_count.max == 1)
    error_message = "instance_count: without an ALB there is one instance: allowed is {min = 1, max = 1}."
  }
}

variable "cpu_target" {
  description = "Average CPU in percent that scaling aims at, if min and max differ."
  type        = number
  default     = 60
  nullable    = false

  validation {
    condition     = var.cpu_target >= 10 && var.cpu_target <= 90
    error_message = "cpu_target: allowed are 10 to 90 percent."
  }
}

variable "ami_id" {
  description = "Machine image; null is the newest Amazon Linux 2023. It must have systemd, the AWS CLI and the architecture."
  type        = string
  default     = null

  validation {
    condition     = var.ami_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id: allowed is an image such as ami-0123456789abcdef0, or null for the newest Amazon Linux 2023."
  }
}

# --- where -------------------------------------------------------------------------------------------------------------

variable "vpc_id" {
  description = "The VPC."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "vpc_id: allowed is the ID of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "public_subnet_ids" {
  description = "Subnets of the ALB, two or more, or of the instance if there is no ALB."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.public_subnet_ids) >= 2
    error_message = "public_subnet_ids: two or more subnets are needed, in different availability zones."
  }
}

variable "private_subnet_ids" {
  description = "Subnets of the instances behind the ALB. They need a way to S3, such as a gateway endpoint."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.private_subnet_ids) >= 1
    error_message = "private_subnet_ids: at least one subnet is needed."
  }
}

variable "s3_prefix_list_id" {
  description = "Prefix list of S3 in the region, from where the instances fetch the binary."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^pl-[0-9a-f]{8,17}$", var.s3_prefix_list_id))
    error_message = "s3_prefix_list_id: allowed is the ID of a prefix list, such as pl-63a5400a."
  }
}

variable "egress" {
  description = "What else the instances may connect to, by a name of yours: a security group and a TCP port of it."
  type = map(object({
    security_group_id = string
    port              = number
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for e in var.egress : e.port >= 1 && e.port <= 65535 && floor(e.port) == e.port])
    error_message = "egress: allowed are ports from 1 to 65535."
  }

  validation {
    condition     = alltrue([for name in keys(var.egress) : can(regex("^[A-Za-z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,200}$", name))])
    error_message = "egress: allowed are names of up to 200 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, as descriptions of rules take them."
  }

  validation {
    condition     = length(distinct([for e in var.egress : "${e.security_group_id}:${e.port}"])) == length(var.egress)
    error_message = "egress: allowed is each port of a security group once; AWS refuses a second rule for it."
  }
}

variable "session_manager" {
  description = "Whether Systems Manager may open shells on the instances. There is no SSH."
  type        = bool
  default     = true
  nullable    = false
}

variable "https_egress" {
  description = "Whether the instances may open HTTPS connections to anywhere, which Session Manager needs where it is reached over the internet."
  type        = bool
  default     = false
  nullable    = false
}

# --- front door --------------------------------------------------------------------------------------------------------

variable "alb" {
  description = "Whether there is an Application Load Balancer and an Auto Scaling group, or one instance with a public address."
  type        = bool
  default     = true
  nullable    = false
}

variable "callers" {
  description = "Who may call: IPv4 networks by a name of yours."
  type        = map(string)
  nullable    = false

  validation {
    condition = (
      alltrue([for cidr in values(var.callers) : try(cidrsubnet(cidr, 0, 0) == cidr && can(regex("^[0-9.]+/", cidr)), false)]) &&
      try(sum(concat([0], [for cidr in values(var.callers) : pow(2, 32 - tonumber(split("/", cidr)[1]))])) <= pow(2, 24), false)
    )
    error_message = "callers: allowed are IPv4 networks without host bits, such as 203.0.113.7/32, together of no more addresses than one /8. The whole internet is not."
  }

  validation {
    condition     = alltrue([for name in keys(var.callers) : can(regex("^[A-Za-z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,200}$", name))])
    error_message = "callers: allowed are names of up to 200 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, as descriptions of rules take them."
  }

  validation {
    condition     = length(distinct(values(var.callers))) == length(var.callers)
    error_message = "callers: allowed is each network once; AWS refuses a second rule for it."
  }
}

variable "certificate_arn" {
  description = "Certificate of AWS Certificate Manager for TLS at the ALB; null is plain HTTP. It needs domain_name."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn: allowed is an ARN of AWS Certificate Manager, arn:aws:acm:REGION:ACCOUNT:certificate/ID."
  }

  validation {
    condition     = var.certificate_arn == null || var.alb
    error_message = "certificate_arn: only an ALB can have it."
  }

  validation {
    condition     = (var.certificate_arn == null) == (var.domain_name == null)
    error_message = "certificate_arn, domain_name: allowed are both or neither; nobody has a certificate for the ALB's own name."
  }
}

variable "domain_name" {
  description = "Name in the certificate by which the ALB is called. You point it at the output alb.dns_name."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name: allowed is a host name in lower case, such as bench.example.com."
  }
}

variable "tags" {
  description = "Tags of everything that can have them, instances and volumes too."
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
