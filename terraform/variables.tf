# Every input has a default but one choice: somebody must be let in, by caller_cidrs or by load_generator.

# --- both targets ------------------------------------------------------------------------------------------------------

variable "name" {
  description = "Name of the stack and start of the names of all that is in it. Two stacks in one account and region need two."
  type        = string
  default     = "crossover"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) >= 3 && length(var.name) <= 20 && !can(regex("^(sg-|internal-|sthree-|amzn-s3-demo-)", var.name))
    error_message = "name: allowed are 3 to 20 lower-case letters, digits and single hyphens, the first a letter and the last no hyphen, and not sg-, internal-, sthree- or amzn-s3-demo- at the start, which AWS keeps for itself. Longer names would not fit a target group's 32 characters."
  }
}

variable "region" {
  description = "AWS region of all that is made."
  type        = string
  default     = "us-east-1"
  nullable    = false

  validation {
    condition     = can(local.regions[var.region])
    error_message = "region: allowed are ${join(", ", keys(local.regions))}."
  }
}

variable "arch" {
  description = "Architecture of both targets and the load generator: arm64, which is cheaper, or x86_64."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.arch)
    error_message = "arch: allowed are arm64 and x86_64."
  }

  validation {
    condition     = contains(try(local.regions[var.region], [var.arch]), var.arch)
    error_message = "arch: Lambda is not known to have ${var.arch} in ${var.region}; there allowed is x86_64."
  }
}

variable "caller_cidrs" {
  description = "IPv4 networks that may call the ALB or the single instance. It is of no meaning for function URLs and HTTP APIs, where signatures decide. The load generator may always call."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = (
      alltrue([for cidr in var.caller_cidrs : try(cidrsubnet(cidr, 0, 0) == cidr && can(regex("^[0-9.]+/", cidr)), false)]) &&
      try(sum(concat([0], [for cidr in var.caller_cidrs : pow(2, 32 - tonumber(split("/", cidr)[1]))])) <= pow(2, 24), false)
    )
    error_message = "caller_cidrs: allowed are IPv4 networks without host bits, such as [\"203.0.113.7/32\"], together of no more addresses than one /8. The whole internet is not."
  }
}

variable "alb" {
  description = "Whether EC2 is an Auto Scaling group behind an Application Load Balancer, or, cheapest, one instance with a public address."
  type        = bool
  default     = true
  nullable    = false
}

variable "certificate_arn" {
  description = "Certificate of AWS Certificate Manager in the region, for TLS at the ALB. Without it the ALB speaks plain HTTP, and against a function URL or an HTTP API the two paths are unequal."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws:acm:${var.region}:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn: allowed is the ARN of a certificate in the region, arn:aws:acm:${var.region}:ACCOUNT:certificate/ID."
  }

  validation {
    condition     = var.certificate_arn == null || var.alb
    error_message = "certificate_arn: only an ALB can have it; set alb = true."
  }

  validation {
    condition     = (var.certificate_arn == null) == (var.domain_name == null)
    error_message = "certificate_arn, domain_name: allowed are both or neither; nobody has a certificate for the ALB's own name."
  }
}

variable "domain_name" {
  description = "Name in the certificate by which the ALB is called. After the first apply point it (CNAME or alias) at the output alb_dns_name."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "domain_name: allowed is a host name in lower case, such as bench.example.com."
  }
}

# --- EC2 ---------------------------------------------------------------------------------------------------------------

variable "instance_type" {
  description = "Size of the EC2 target's instances; null is t4g.small or t3.small, after arch."
  type        = string
  default     = null

  validation {
    condition     = var.instance_type == null || can(regex("^[a-z]+[0-9]+[a-z-]*\\.[a-z0-9-]+$", var.instance_type))
    error_message = "instance_type: allowed are EC2's instance types, such as t4g.small or c7i.large, or null."
  }

  validation {
    # https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html: a g after the generation is Graviton.
    condition     = var.instance_type == null || can(regex("^(a1|[a-z]+[0-9]+[a-z-]*g[a-z-]*)\\.", var.instance_type)) == (var.arch == "arm64")
    error_message = "instance_type: ${var.instance_type == null ? "null" : var.instance_type} is not ${var.arch}. Types with a g after the generation, such as t4g, c7g and m8gn, are arm64, all others x86_64."
  }
}

variable "instance_count" {
  description = "How many instances there are at least and at most; between the two the average CPU decides."
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

variable "ami_id" {
  description = "Machine image of the EC2 target's instances; null is the newest Amazon Linux 2023 at each apply, so that a later apply may replace instances."
  type        = string
  default     = null

  validation {
    condition     = var.ami_id == null || can(regex("^ami-[0-9a-f]{8,17}$", var.ami_id))
    error_message = "ami_id: allowed is an image such as ami-0123456789abcdef0, or null for the newest Amazon Linux 2023."
  }
}

variable "session_manager" {
  description = "Whether Systems Manager may open shells on the instances; there is no SSH. Behind an ALB that takes two interface endpoints, which cost by the hour."
  type        = bool
  default     = true
  nullable    = false
}

variable "server_binary" {
  description = "Path of the server for Linux; null is dist/ec2/server of this repository, as `task build` makes it."
  type        = string
  default     = null

  validation {
    condition     = var.server_binary == null ? true : trimspace(var.server_binary) != ""
    error_message = "server_binary: allowed is the path of a program for Linux, or null for dist/ec2/server."
  }
}

# --- Lambda ------------------------------------------------------------------------------------------------------------

variable "lambda_memory_mb" {
  description = "Memory of the function in MB. The CPU comes in proportion: 1,769 MB are one vCPU."
  type        = number
  default     = 512
  nullable    = false

  validation {
    condition     = var.lambda_memory_mb >= 128 && var.lambda_memory_mb <= 10240 && floor(var.lambda_memory_mb) == var.lambda_memory_mb
    error_message = "lambda_memory_mb: allowed are whole numbers from 128 to 10240."
  }
}

variable "lambda_front_door" {
  description = "How requests reach the function: function_url, http_api, or alb, which is the ALB of the EC2 target on another port, so that only the compute differs."
  type        = string
  default     = "function_url"
  nullable    = false

  validation {
    condition     = contains(["function_url", "http_api", "alb"], var.lambda_front_door)
    error_message = "lambda_front_door: allowed are function_url, http_api and alb."
  }

  validation {
    condition     = var.lambda_front_door != "alb" || var.alb
    error_message = "lambda_front_door: alb is the load balancer of the EC2 target; set alb = true."
  }
}

variable "lambda_auth" {
  description = "AWS_IAM: callers sign their requests, as bench does. NONE: anybody on the internet may call, which takes lambda_public_url_consent too. Of no meaning with an ALB, where caller_cidrs decide."
  type        = string
  default     = "AWS_IAM"
  nullable    = false

  validation {
    condition     = contains(["AWS_IAM", "NONE"], var.lambda_auth)
    error_message = "lambda_auth: allowed are AWS_IAM and NONE."
  }

  validation {
    condition     = var.lambda_auth == "AWS_IAM" || var.lambda_front_door == "alb" || var.lambda_public_url_consent
    error_message = "lambda_auth: NONE lets anybody on the internet call the function at your expense. If you want that, say so with lambda_public_url_consent = true."
  }
}

variable "lambda_public_url_consent" {
  description = "Consent to a URL that anybody on the internet may call, as lambda_auth = NONE makes it."
  type        = bool
  default     = false
  nullable    = false
}

variable "lambda_reserved_concurrency" {
  description = "How many environments there may be at once, which caps what the function can cost; -1 is no cap of its own. AWS keeps 100 of the account's concurrency for other functions, so a new account may need -1."
  type        = number
  default     = 100
  nullable    = false

  validation {
    condition     = var.lambda_reserved_concurrency == -1 || (var.lambda_reserved_concurrency >= 1 && floor(var.lambda_reserved_concurrency) == var.lambda_reserved_concurrency)
    error_message = "lambda_reserved_concurrency: allowed are whole numbers from 1, or -1 for no cap."
  }
}

variable "lambda_provisioned_concurrency" {
  description = "How many environments are kept warm, at a price by the second; 0 is none."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.lambda_provisioned_concurrency >= 0 && floor(var.lambda_provisioned_concurrency) == var.lambda_provisioned_concurrency
    error_message = "lambda_provisioned_concurrency: allowed are whole numbers from 0."
  }

  validation {
    condition     = var.lambda_reserved_concurrency == -1 || var.lambda_provisioned_concurrency <= var.lambda_reserved_concurrency
    error_message = "lambda_provisioned_concurrency: allowed is at most lambda_reserved_concurrency, which is ${var.lambda_reserved_concurrency}."
  }
}

variable "lambda_tracing" {
  description = "Whether X-Ray samples the function's requests. It costs by the trace, and a little time."
  type        = bool
  default     = false
  nullable    = false
}

variable "lambda_zip" {
  description = "Path of the zip with the `bootstrap`; null is dist/lambda/bootstrap.zip of this repository, as `task build` makes it."
  type        = string
  default     = null

  validation {
    condition     = var.lambda_zip == null ? true : endswith(var.lambda_zip, ".zip")
    error_message = "lambda_zip: allowed is the path of a zip file, or null for dist/lambda/bootstrap.zip."
  }
}

variable "lambda_image_uri" {
  description = "Container image instead of the zip, made by docker/lambda.Dockerfile and pushed to a private repository of Amazon ECR in the region."
  type        = string
  default     = null

  validation {
    condition     = var.lambda_image_uri == null || can(regex("^[0-9]{12}\\.dkr\\.ecr\\.${var.region}\\.amazonaws\\.com/[a-z0-9._/-]+(:[A-Za-z0-9._-]+|@sha256:[0-9a-f]{64})$", var.lambda_image_uri))
    error_message = "lambda_image_uri: allowed is an image of Amazon ECR in the region, with tag or digest: ACCOUNT.dkr.ecr.${var.region}.amazonaws.com/NAME:TAG. Lambda takes images from nowhere else."
  }
}

# --- Redis -------------------------------------------------------------------------------------------------------------

variable "redis_engine" {
  description = "Engine of the cache: valkey, or redis for Redis OSS, which costs more."
  type        = string
  default     = "valkey"
  nullable    = false

  validation {
    condition     = contains(["valkey", "redis"], var.redis_engine)
    error_message = "redis_engine: allowed are valkey and redis."
  }
}

variable "redis_node_type" {
  description = "Size of the cache's one node. Its architecture need not be that of the targets."
  type        = string
  default     = "cache.t4g.micro"
  nullable    = false

  validation {
    condition     = can(regex("^cache\\.[a-z]+[0-9][a-z]*\\.[0-9]*[a-z]+$", var.redis_node_type))
    error_message = "redis_node_type: allowed are ElastiCache's node types, such as cache.t4g.micro or cache.m7g.large."
  }

  validation {
    condition     = !can(regex("^cache\\.([a-z]+1|m2|[a-z]+[0-9]+[a-z]*d)\\.", var.redis_node_type))
    error_message = "redis_node_type: allowed are node types that encrypt, which t1, m1, m2 and c1 do not, and that have no local disks, such as cache.r6gd.xlarge, which take data tiering."
  }
}

variable "redis_serverless" {
  description = "Whether the cache is ElastiCache Serverless, which is in cluster mode and paid by use, rather than a node."
  type        = bool
  default     = false
  nullable    = false
}

# --- load generator ----------------------------------------------------------------------------------------------------

variable "load_generator" {
  description = "Whether an instance in the VPC runs bench, near the targets. From elsewhere the way there is in every figure."
  type        = bool
  default     = false
  nullable    = false
}

variable "load_generator_instance_type" {
  description = "Size of the load generator; null is c7g.large or c7i.large, after arch."
  type        = string
  default     = null

  validation {
    condition     = var.load_generator_instance_type == null || (can(regex("^[a-z]+[0-9]+[a-z-]*\\.[a-z0-9-]+$", var.load_generator_instance_type)) && !can(regex("^t[0-9]", var.load_generator_instance_type)))
    error_message = "load_generator_instance_type: allowed are EC2's instance types that do not burst, such as c7g.large, or null; a generator that runs out of credits measures itself."
  }

  validation {
    condition     = var.load_generator_instance_type == null || can(regex("^(a1|[a-z]+[0-9]+[a-z-]*g[a-z-]*)\\.", var.load_generator_instance_type)) == (var.arch == "arm64")
    error_message = "load_generator_instance_type: it is not ${var.arch}. Types with a g after the generation, such as c7g and m8gn, are arm64, all others x86_64."
  }
}

variable "load_generator_count" {
  description = "How many load generators there are."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.load_generator_count >= 1 && var.load_generator_count <= 20 && floor(var.load_generator_count) == var.load_generator_count
    error_message = "load_generator_count: allowed are whole numbers from 1 to 20."
  }
}

variable "bench_binary" {
  description = "Path of bench for Linux; null is dist/bench of this repository, as `task build` makes it. Only needed with load_generator."
  type        = string
  default     = null

  validation {
    condition     = var.bench_binary == null ? true : trimspace(var.bench_binary) != ""
    error_message = "bench_binary: allowed is the path of a program for Linux, or null for dist/bench."
  }
}

# --- network -----------------------------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Private IPv4 addresses of the VPC."
  type        = string
  default     = "10.42.0.0/16"
  nullable    = false

  validation {
    condition = try(
      cidrsubnet(var.vpc_cidr, 0, 0) == var.vpc_cidr &&
      tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 22 &&
      can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.vpc_cidr)),
    false)
    error_message = "vpc_cidr: allowed is a private IPv4 network from /16 to /22 without host bits, such as 10.42.0.0/16."
  }
}

variable "az_count" {
  description = "How many availability zones are used. Each has a part of the ALB, whose public address costs."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = var.az_count >= 2 && var.az_count <= 6 && floor(var.az_count) == var.az_count
    error_message = "az_count: allowed are whole numbers from 2 to 6; an ALB and a serverless cache need two."
  }
}

variable "nat_gateway" {
  description = "Whether the private subnets reach the internet, through a NAT gateway. Nothing here needs it, and it costs more than a small instance."
  type        = bool
  default     = false
  nullable    = false
}

variable "flow_logs" {
  description = "Whether CloudWatch Logs keeps a record of the connections in the VPC."
  type        = bool
  default     = false
  nullable    = false
}

# --- housekeeping ------------------------------------------------------------------------------------------------------

variable "log_retention_days" {
  description = "How long logs are kept, in days. They are gone with the stack in any case."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days: allowed is what CloudWatch Logs knows: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731."
  }
}

variable "ttl_hours" {
  description = "After how many hours the stack should be gone; null is never. Nothing destroys it: the tag expires_at and the output of that name tell, and plans and applies warn."
  type        = number
  default     = null

  validation {
    condition     = var.ttl_hours == null || try(var.ttl_hours >= 1 && var.ttl_hours <= 8760 && floor(var.ttl_hours) == var.ttl_hours, false)
    error_message = "ttl_hours: allowed are whole numbers from 1 to 8760, or null."
  }
}

variable "monthly_budget_usd" {
  description = "Mails budget_email when 80 % and 100 % of so many USD are spent in a month, or 100 % are forecast; null is no alarm. AWS counts some hours late."
  type        = number
  default     = null

  validation {
    condition     = var.monthly_budget_usd == null || try(var.monthly_budget_usd >= 1 && var.monthly_budget_usd <= 1000000, false)
    error_message = "monthly_budget_usd: allowed are 1 to 1000000, or null."
  }

  validation {
    condition     = (var.monthly_budget_usd == null) == (var.budget_email == null)
    error_message = "monthly_budget_usd, budget_email: allowed are both or neither; an alarm without an address alarms nobody."
  }
}

variable "budget_email" {
  description = "Who gets the alarm of monthly_budget_usd."
  type        = string
  default     = null

  validation {
    condition     = var.budget_email == null || can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", var.budget_email))
    error_message = "budget_email: allowed is one address, such as you@example.com."
  }
}

variable "budget_by_tag" {
  description = "Whether the budget counts this stack alone rather than the whole account. It then counts nothing until you activate the cost allocation tag `stack` in the Billing console."
  type        = bool
  default     = false
  nullable    = false
}

variable "tags" {
  description = "Further tags of everything."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(var.tags) <= 40 && alltrue([
      for key, value in var.tags :
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value)) && !startswith(lower(key), "aws:")
    ])
    error_message = "tags: allowed are up to 40, with keys of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+@-, and no key that starts with aws:."
  }

  validation {
    condition     = !anytrue([for key in keys(var.tags) : contains(["project", "stack", "expires_at", "name"], lower(key))])
    error_message = "tags: project, stack, expires_at and Name are set by this configuration."
  }

  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "tags: allowed are no two keys that differ in nothing but capitals; IAM takes them for one."
  }
}
