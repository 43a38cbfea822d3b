data "aws_region" "current" {}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

locals {
  function = "${var.name}-app"
  # Written out, so that the role can speak of the function before that exists.
  function_arn = "arn:${data.aws_partition.current.partition}:lambda:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:function:${local.function}"

  goarch    = var.arch == "arm64" ? "arm64" : "amd64"
  zip       = coalesce(var.zip, "no-zip")
  bootstrap = "${dirname(local.zip)}/bootstrap" # what the zip was made of, if it lies beside
}

# --- log ---------------------------------------------------------------------------------------------------------------

# Made first, and the role cannot make one: else Lambda would, without retention, and again after it is destroyed.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${local.function}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

# --- rights ------------------------------------------------------------------------------------------------------------

resource "aws_iam_role" "this" {
  name_prefix = "${var.name}-lambda-"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = var.policies

  name   = each.key
  role   = aws_iam_role.this.id
  policy = each.value
}

resource "aws_iam_role_policy" "log" {
  name = "log"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
      # wildcard: the streams of this group, whose names are Lambda's to choose
      Resource = "${aws_cloudwatch_log_group.this.arn}:*"
    }]
  })
}

resource "aws_iam_role_policy" "network" {
  name = "network"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "InterfacesForTheService"
        Effect = "Allow"
        Action = local.interface_actions
        # wildcard: Lambda refuses roles that lack these for all resources, and three of them know no resources
        Resource = "*"
      },
      {
        # The service uses the role to put the function into the VPC; the function's own code must not.
        Sid    = "NotForTheFunction"
        Effect = "Deny"
        Action = local.interface_actions
        # wildcard: a denial has to hold for everything
        Resource  = "*"
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = local.function_arn } }
      },
    ]
  })
}

locals {
  interface_actions = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ]
}

resource "aws_iam_role_policy" "tracing" {
  count = var.tracing ? 1 : 0

  name = "tracing"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      # wildcard: X-Ray knows no resources for these
      Resource = "*"
    }]
  })
}

# --- network -----------------------------------------------------------------------------------------------------------

resource "aws_security_group" "this" {
  name        = "${var.name}-lambda"
  description = "The function: nothing in, and out to what it needs only"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-lambda" })

  # Lambda takes its network interfaces away up to half an hour after the function is gone, with the rights of the role:
  # the order of destruction is function, group (which waits for the interfaces), role.
  depends_on = [aws_iam_role_policy.network]

  timeouts {
    delete = "45m"
  }
}

resource "aws_vpc_security_group_egress_rule" "group" {
  for_each = var.egress

  security_group_id            = aws_security_group.this.id
  description                  = "to ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  referenced_security_group_id = each.value.security_group_id
  tags                         = var.tags
}

# --- function ----------------------------------------------------------------------------------------------------------

resource "aws_lambda_function" "this" {
  function_name                  = local.function
  description                    = "The app of crossover"
  role                           = aws_iam_role.this.arn
  architectures                  = [var.arch]
  memory_size                    = var.memory_mb
  timeout                        = var.timeout_s
  reserved_concurrent_executions = var.reserved_concurrency
  publish                        = true # the alias and provisioned concurrency need a version
  tags                           = var.tags

  package_type     = var.image_uri == null ? "Zip" : "Image"
  image_uri        = var.image_uri
  filename         = var.zip
  source_code_hash = var.zip == null ? null : try(filebase64sha256(var.zip), "missing") # the precondition says so; nothing is needed to destroy
  handler          = var.image_uri == null ? "bootstrap" : null
  runtime          = var.image_uri == null ? "provided.al2023" : null

  environment {
    variables = merge(var.environment, { LAMBDA_RESPONSE_MODE = var.response_stream ? "stream" : "buffered" })
  }

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.this.id]
  }

  # REPORT lines, which have the billed time, are of the level INFO.
  logging_config {
    log_format       = "JSON"
    log_group        = aws_cloudwatch_log_group.this.name
    system_log_level = "INFO"
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  lifecycle {
    # It is in the VPC until it is gone.
    replace_triggered_by = [aws_security_group.this.id]

    precondition {
      condition     = var.image_uri != null || fileexists(local.zip)
      error_message = "There is no ${local.zip}. Run first: task build GOOS=linux GOARCH=${local.goarch}"
    }

    # Bytes 18 to 20 of an ELF file are its machine and the start of its version: B7 00 01 is AArch64, 3E 00 01 is x86-64.
    precondition {
      condition     = var.image_uri != null || !fileexists(local.bootstrap) || try(substr(filebase64(local.bootstrap), 24, 4), "") == (var.arch == "arm64" ? "twAB" : "PgAB")
      error_message = "${local.bootstrap} is no Linux program for ${var.arch}. Run first: task build GOOS=linux GOARCH=${local.goarch}"
    }
  }

  # It needs all of these from its first second on.
  depends_on = [
    aws_iam_role_policy.log,
    aws_iam_role_policy.network,
    aws_iam_role_policy.this,
    aws_iam_role_policy.tracing,
    aws_vpc_security_group_egress_rule.group,
  ]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What the front door calls"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  # Goes with the function, and all that hangs on it goes with it. The names stay the same when a zip takes the place of an image or the other
  # way round, which makes another function: without this terraform would update what is not there.
  lifecycle {
    replace_triggered_by = [aws_lambda_function.this.id]
  }
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = var.provisioned_concurrency

  lifecycle {
    replace_triggered_by = [aws_lambda_alias.live.id]
  }
}
