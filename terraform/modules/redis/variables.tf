variable "name" {
  description = "Name of the cache and start of the names of all that belongs to it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 20 && !can(regex("^sg-", var.name))
    error_message = "name: allowed are 3 to 20 lower-case letters, digits and single hyphens, the first a letter and the last no hyphen, and not sg- at the start, which AWS keeps for itself."
  }
}

variable "engine" {
  description = "valkey, or redis for Redis OSS, which costs more."
  type        = string
  default     = "valkey"
  nullable    = false

  validation {
    condition     = contains(["valkey", "redis"], var.engine)
    error_message = "engine: allowed are valkey and redis."
  }
}

variable "serverless" {
  description = "Whether the cache is ElastiCache Serverless, which is in cluster mode and paid by use, rather than one node."
  type        = bool
  default     = false
  nullable    = false
}

variable "node_type" {
  description = "Size of the node; of no meaning with serverless. Its architecture need not be that of the targets."
  type        = string
  default     = "cache.t4g.micro"
  nullable    = false

  validation {
    condition     = can(regex("^cache\\.[a-z]+[0-9][a-z]*\\.[0-9]*[a-z]+$", var.node_type))
    error_message = "node_type: allowed are ElastiCache's node types, such as cache.t4g.micro or cache.m7g.large."
  }

  validation {
    condition     = !can(regex("^cache\\.([a-z]+1|m2|[a-z]+[0-9]+[a-z]*d)\\.", var.node_type))
    error_message = "node_type: allowed are node types that encrypt, which t1, m1, m2 and c1 do not, and that have no local disks, such as cache.r6gd.xlarge, which take data tiering."
  }
}

variable "serverless_limits" {
  description = "What a serverless cache may use at most, and so cost: GB of data, and ElastiCache processing units a second, beyond which requests are throttled."
  type = object({
    data_gb         = optional(number, 1)
    ecpu_per_second = optional(number, 100000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.serverless_limits.data_gb >= 1 && var.serverless_limits.data_gb <= 5000 && floor(var.serverless_limits.data_gb) == var.serverless_limits.data_gb
    error_message = "serverless_limits.data_gb: allowed are whole numbers from 1 to 5000."
  }

  validation {
    condition     = var.serverless_limits.ecpu_per_second >= 1000 && var.serverless_limits.ecpu_per_second <= 15000000
    error_message = "serverless_limits.ecpu_per_second: allowed are 1000 to 15000000."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]{8,17}$", var.vpc_id))
    error_message = "vpc_id: allowed is the ID of a VPC, such as vpc-0123456789abcdef0."
  }
}

variable "subnet_ids" {
  description = "Private subnets, in different availability zones."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids: two or more subnets are needed, in different availability zones."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by a name of yours. Nothing else can."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.client_security_group_ids) > 0
    error_message = "client_security_group_ids: at least one is needed, such as {ec2 = \"sg-0123456789abcdef0\"}; nothing could connect."
  }

  validation {
    condition     = alltrue([for name in keys(var.client_security_group_ids) : can(regex("^[A-Za-z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,200}$", name))])
    error_message = "client_security_group_ids: allowed are names of up to 200 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, as descriptions of rules take them."
  }

  validation {
    condition     = length(distinct(values(var.client_security_group_ids))) == length(var.client_security_group_ids)
    error_message = "client_security_group_ids: allowed is each security group once; AWS refuses a second rule for it."
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
}
