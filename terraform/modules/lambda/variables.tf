variable "name" {
  description = "Name of the function and start of the names of all that belongs to it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 20 && !can(regex("^sg-", var.name))
    error_message = "name: allowed are 3 to 20 lower-case letters, digits and single hyphens, the first a letter and the last no hyphen, and not sg- at the start, which AWS keeps for itself."
  }
}

# --- what runs ---------------------------------------------------------------------------------------------------------

variable "zip" {
  description = "Path of the zip with the `bootstrap`, as `task build` makes it: dist/lambda/bootstrap.zip. Checked when it is applied, not when it is destroyed. Of no meaning with image_uri."
  type        = string
  default     = null

  validation {
    condition     = var.zip == null ? true : endswith(var.zip, ".zip")
    error_message = "zip: allowed is the path of a zip file, such as dist/lambda/bootstrap.zip, or null with image_uri."
  }
}

variable "image_uri" {
  description = "Container image instead of a zip, in a private repository of Amazon ECR in the same region."
  type        = string
  default     = null

  validation {
    condition     = var.image_uri == null || can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9._/-]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$", var.image_uri))
    error_message = "image_uri: allowed is an image of Amazon ECR with tag or digest: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG. Lambda takes images from nowhere else."
  }

  validation {
    condition     = (var.image_uri == null) != (var.zip == null)
    error_message = "image_uri, zip: allowed is exactly one of them."
  }
}

variable "environment" {
  description = "Environment of the function. Not for secrets."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]+$", name)) && !can(regex("^(AWS_|LAMBDA_RUNTIME_DIR$|LAMBDA_TASK_ROOT$)", name))])
    error_message = "environment: allowed are names of two or more letters, digits and underscores, the first a letter; those that start with AWS_, LAMBDA_RUNTIME_DIR and LAMBDA_TASK_ROOT are Lambda's own."
  }

  # Four characters of base64 are three bytes.
  validation {
    condition     = length(base64encode(jsonencode(var.environment))) <= 4000 / 3 * 4
    error_message = "environment: allowed are 4,000 bytes of JSON together; Lambda takes 4,096, and this module adds to it."
  }
}

variable "policies" {
  description = "What the function may do: IAM policies in JSON by name."
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
  description = "Architecture of the function: arm64 or x86_64."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.arch)
    error_message = "arch: allowed are arm64 and x86_64."
  }
}

variable "memory_mb" {
  description = "Memory in MB. The CPU comes in proportion: 1,769 MB are one vCPU."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240 && floor(var.memory_mb) == var.memory_mb
    error_message = "memory_mb: allowed are whole numbers from 128 to 10240."
  }
}

variable "timeout_s" {
  description = "Longest an invocation may take, in seconds. HTTP APIs give up after 30 s."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = var.timeout_s >= 1 && var.timeout_s <= 900 && floor(var.timeout_s) == var.timeout_s
    error_message = "timeout_s: allowed are whole numbers from 1 to 900."
  }
}

variable "reserved_concurrency" {
  description = "How many environments there may be at once, which caps what the function can cost; -1 is no cap of its own. AWS keeps 100 of the account's concurrency for other functions."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.reserved_concurrency == -1 || (var.reserved_concurrency >= 1 && floor(var.reserved_concurrency) == var.reserved_concurrency)
    error_message = "reserved_concurrency: allowed are whole numbers from 1, or -1 for no cap."
  }
}

variable "provisioned_concurrency" {
  description = "How many environments are kept warm, at a price by the second; 0 is none."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.provisioned_concurrency >= 0 && floor(var.provisioned_concurrency) == var.provisioned_concurrency
    error_message = "provisioned_concurrency: allowed are whole numbers from 0."
  }

  validation {
    condition     = var.reserved_concurrency == -1 || var.provisioned_concurrency <= var.reserved_concurrency
    error_message = "provisioned_concurrency: allowed is at most reserved_concurrency, which is ${var.reserved_concurrency}."
  }
}

variable "tracing" {
  description = "Whether X-Ray samples requests. It costs by the trace, and a little time."
  type        = bool
  default     = false
  nullable    = false
}

variable "log_retention_days" {
  description = "How long the function's log is kept, in days."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days: allowed is what CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
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

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "subnet_ids: at least one subnet is needed; the cache is only reached inside the VPC."
  }
}

variable "egress" {
  description = "What the function may connect to, by a name of yours: a security group and a TCP port of it. Nothing else."
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

# --- front door --------------------------------------------------------------------------------------------------------

variable "front_door" {
  description = "How HTTP requests reach the function: function_url, http_api, or alb."
  type        = string
  default     = "function_url"
  nullable    = false

  validation {
    condition     = contains(["function_url", "http_api", "alb"], var.front_door)
    error_message = "front_door: allowed are function_url, http_api and alb."
  }

  validation {
    condition     = var.front_door != "alb" || var.alb != null
    error_message = "front_door: alb needs the input alb, the load balancer."
  }
}

variable "auth" {
  description = "AWS_IAM: callers sign their requests and need a right to call. NONE: anybody on the internet may call. Of no meaning with an ALB, where networks decide."
  type        = string
  default     = "AWS_IAM"
  nullable    = false

  validation {
    condition     = contains(["AWS_IAM", "NONE"], var.auth)
    error_message = "auth: allowed are AWS_IAM and NONE."
  }

  validation {
    condition     = var.auth == "AWS_IAM" || var.front_door == "alb" || var.public_url_consent
    error_message = "auth: NONE lets anybody on the internet call the function at your expense. If you want that, say so with public_url_consent = true."
  }
}

variable "public_url_consent" {
  description = "Consent to a URL that anybody on the internet may call, as auth = NONE makes it."
  type        = bool
  default     = false
  nullable    = false
}

variable "response_stream" {
  description = "Whether answers are streamed, which only a function URL can."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.response_stream || var.front_door == "function_url"
    error_message = "response_stream: only front_door = function_url streams."
  }
}

variable "alb" {
  description = "The load balancer of front_door = alb, the port for the function's listener on it, who may call that, by a name of yours, and the name by which it is called. Only networks of its callers get in."
  type = object({
    arn               = string
    security_group_id = string
    host              = string
    port              = number
    certificate_arn   = optional(string)
    callers           = map(string)
  })
  default = null

  validation {
    condition     = var.alb == null || try(var.alb.port >= 1 && var.alb.port <= 65535, true)
    error_message = "alb.port: allowed are 1 to 65535."
  }

  validation {
    condition = var.alb == null || (
      alltrue([for cidr in try(values(var.alb.callers), []) : try(cidrsubnet(cidr, 0, 0) == cidr && can(regex("^[0-9.]+/", cidr)), false)]) &&
      try(sum(concat([0], [for cidr in try(values(var.alb.callers), []) : pow(2, 32 - tonumber(split("/", cidr)[1]))])) <= pow(2, 24), false)
    )
    error_message = "alb.callers: allowed are IPv4 networks without host bits, such as 203.0.113.7/32, together of no more addresses than one /8. The whole internet is not."
  }

  validation {
    condition     = var.alb == null || alltrue([for name in try(keys(var.alb.callers), []) : can(regex("^[A-Za-z0-9 ._:/()#,@\\[\\]+=&;{}!$*-]{1,200}$", name))])
    error_message = "alb.callers: allowed are names of up to 200 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*, as descriptions of rules take them."
  }

  validation {
    condition     = var.alb == null || try(length(distinct(values(var.alb.callers))) == length(var.alb.callers), true)
    error_message = "alb.callers: allowed is each network once; AWS refuses a second rule for it."
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
