# Both homes of the app in one region, with one Redis, from one set of inputs.

locals {
  tags = merge(var.tags, { project = "crossover", stack = var.name })

  # For what the provider's default tags do not reach (instances and volumes of an Auto Scaling group), and with the expiry,
  # which a provider's configuration cannot have: it is kept in a resource.
  all_tags = merge(local.tags, var.ttl_hours == null ? {} : { expires_at = local.expires_at })

  instance_type           = coalesce(var.instance_type, var.arch == "arm64" ? "t4g.small" : "t3.small")
  generator_instance_type = coalesce(var.load_generator_instance_type, var.arch == "arm64" ? "c7g.large" : "c7i.large")

  # Behind an ALB the instances are in private subnets, without a way to Systems Manager but through interface endpoints.
  interface_endpoints = var.alb && var.session_manager && !var.nat_gateway ? ["ssm", "ssmmessages"] : []

  lambda_alb_port = var.certificate_arn == null ? 8081 : 8443

  callers = { for cidr in distinct(var.caller_cidrs) : cidr => cidr }
}

# --- where -------------------------------------------------------------------------------------------------------------

# Zones differ in what they offer, and a name such as us-east-1a means another zone in each account.
data "aws_ec2_instance_type_offerings" "zones" {
  for_each = toset(concat([local.instance_type], var.load_generator ? [local.generator_instance_type] : []))

  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [each.value]
  }

  lifecycle {
    postcondition {
      condition     = length(self.locations) > 0
      error_message = "There is no ${each.value} in ${var.region}. Choose another instance type or another region."
    }
  }
}

data "aws_availability_zones" "available" {
  state = "available"

  # Not local zones and the like, where half of what is needed here is missing.
  filter {
    name   = "zone-type"
    values = ["availability-zone"]
  }

  lifecycle {
    postcondition {
      condition     = length(setintersection(self.names, local.zones_with_types...)) >= var.az_count
      error_message = "Of the zones of ${var.region} only ${length(setintersection(self.names, local.zones_with_types...))} have the instance types of this stack, and az_count is ${var.az_count}. Choose another instance type, region or az_count."
    }
  }
}

locals {
  zones_with_types = [for offering in data.aws_ec2_instance_type_offerings.zones : offering.locations]
  zones            = sort(setintersection(data.aws_availability_zones.available.names, local.zones_with_types...))
}

module "network" {
  source = "./modules/network"

  name                = var.name
  cidr                = var.vpc_cidr
  availability_zones  = slice(local.zones, 0, var.az_count)
  nat_gateway         = var.nat_gateway
  interface_endpoints = local.interface_endpoints
  flow_logs           = var.flow_logs
  log_retention_days  = var.log_retention_days
  tags                = local.all_tags
}

# --- Redis -------------------------------------------------------------------------------------------------------------

module "redis" {
  source = "./modules/redis"

  name       = var.name
  engine     = var.redis_engine
  node_type  = var.redis_node_type
  serverless = var.redis_serverless
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids
  tags       = local.all_tags

  client_security_group_ids = {
    ec2    = module.ec2.security_group_id
    lambda = module.lambda.security_group_id
  }
}

locals {
  redis_egress = {
    for port in module.redis.ports : "redis-${port}" => { security_group_id = module.redis.security_group_id, port = port }
  }
}

# --- the two targets ---------------------------------------------------------------------------------------------------

module "ec2" {
  source = "./modules/ec2"

  name               = var.name
  arch               = var.arch
  instance_type      = local.instance_type
  instance_count     = var.instance_count
  ami_id             = var.ami_id
  alb                = var.alb
  certificate_arn    = var.certificate_arn
  domain_name        = var.domain_name
  callers            = local.callers
  server_binary      = coalesce(var.server_binary, "${path.module}/../dist/ec2/server")
  environment        = module.redis.environment
  policies           = { redis = module.redis.connect_policy }
  vpc_id             = module.network.vpc_id
  public_subnet_ids  = module.network.public_subnet_ids
  private_subnet_ids = module.network.private_subnet_ids
  s3_prefix_list_id  = module.network.s3_prefix_list_id
  session_manager    = var.session_manager
  https_egress       = var.session_manager && length(local.interface_endpoints) == 0
  tags               = local.all_tags

  egress = merge(
    local.redis_egress,
    length(local.interface_endpoints) == 0 ? {} : {
      endpoints = { security_group_id = module.network.endpoints_security_group_id, port = 443 }
    },
  )
}

module "lambda" {
  source = "./modules/lambda"

  name                    = var.name
  arch                    = var.arch
  memory_mb               = var.lambda_memory_mb
  front_door              = var.lambda_front_door
  auth                    = var.lambda_auth
  public_url_consent      = var.lambda_public_url_consent
  reserved_concurrency    = var.lambda_reserved_concurrency
  provisioned_concurrency = var.lambda_provisioned_concurrency
  tracing                 = var.lambda_tracing
  zip                     = var.lambda_image_uri != null ? null : coalesce(var.lambda_zip, "${path.module}/../dist/lambda/bootstrap.zip")
  image_uri               = var.lambda_image_uri
  environment             = module.redis.environment
  policies                = { redis = module.redis.connect_policy }
  vpc_id                  = module.network.vpc_id
  subnet_ids              = module.network.private_subnet_ids
  log_retention_days      = var.log_retention_days
  tags                    = local.all_tags

  egress = local.redis_egress

  alb = var.lambda_front_door != "alb" ? null : {
    arn               = module.ec2.alb.arn
    security_group_id = module.ec2.alb.security_group_id
    host              = module.ec2.alb.host
    port              = local.lambda_alb_port
    certificate_arn   = var.certificate_arn
    callers           = local.callers
  }
}

# --- load generator ----------------------------------------------------------------------------------------------------

module "load_generator" {
  source = "./modules/load_generator"
  count  = var.load_generator ? 1 : 0

  name           = var.name
  arch           = var.arch
  instance_type  = local.generator_instance_type
  instance_count = var.load_generator_count
  bench_binary   = coalesce(var.bench_binary, "${path.module}/../dist/bench")
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.public_subnet_ids
  egress_ports   = local.restricted_ports
  tags           = local.all_tags

  policies = merge(
    { observe = local.observe_policy },
    local.call_policy_needed ? { call = module.lambda.call_policy } : {},
  )
}

# The load generators come from outside, like any caller: the ALB's addresses are public.
resource "aws_vpc_security_group_ingress_rule" "load_generator" {
  for_each = {
    for pair in setproduct(range(var.load_generator ? var.load_generator_count : 0), local.restricted_ports) :
    "${pair[0]}-${pair[1]}" => { instance = pair[0], port = pair[1] }
  }

  security_group_id = var.alb ? module.ec2.alb.security_group_id : module.ec2.security_group_id
  description       = "load-generator-${each.value.instance}"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = "${module.load_generator[0].public_ips[each.value.instance]}/32"
  tags              = local.all_tags
}

locals {
  # Where networks decide who may call.
  restricted_ports = concat([module.ec2.port], var.lambda_front_door == "alb" ? [local.lambda_alb_port] : [])

  # Known when planned, which the policy itself is not.
  call_policy_needed = var.lambda_front_door != "alb" && var.lambda_auth == "AWS_IAM"

  # What bench reads after a run: REPORT lines, CPU and credits.
  observe_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = "logs:FilterLogEvents"
        # wildcard: the streams of this one group
        Resource = "${module.lambda.log_group_arn}:*"
      },
      {
        Effect = "Allow"
        Action = "cloudwatch:GetMetricData"
        # wildcard: CloudWatch knows no resources for reading metrics
        Resource = "*"
      },
    ]
  })
}

# --- money and time ----------------------------------------------------------------------------------------------------

resource "aws_budgets_budget" "monthly" {
  count = var.monthly_budget_usd == null ? 0 : 1

  name         = "${var.name}-${var.region}"
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = format("%.2f", var.monthly_budget_usd)
  limit_unit   = "USD"

  dynamic "cost_filter" {
    for_each = var.budget_by_tag ? [var.name] : []

    content {
      name   = "TagKeyValue"
      values = [join("$", ["user:stack", cost_filter.value])] # key$value
    }
  }

  dynamic "notification" {
    for_each = {
      spent-80  = { type = "ACTUAL", percent = 80 }
      spent-100 = { type = "ACTUAL", percent = 100 }
      forecast  = { type = "FORECASTED", percent = 100 }
    }

    content {
      comparison_operator        = "GREATER_THAN"
      notification_type          = notification.value.type
      threshold                  = notification.value.percent
      threshold_type             = "PERCENTAGE"
      subscriber_email_addresses = [var.budget_email]
    }
  }
}

# Keeps when the stack was made. It belongs to terraform itself and makes nothing.
resource "terraform_data" "created" {
  input = plantimestamp()

  lifecycle {
    ignore_changes = [input]
  }
}

locals {
  expires_at = var.ttl_hours == null ? null : timeadd(terraform_data.created.input, "${var.ttl_hours}h")
}

check "expiry" {
  assert {
    condition     = var.ttl_hours == null ? true : timecmp(plantimestamp(), local.expires_at) <= 0
    error_message = "This stack should have been gone since ${coalesce(local.expires_at, "-")}. To destroy it: task down. To keep it: a larger ttl_hours."
  }
}
