locals {
  url = (
    local.function_url ? trimsuffix(aws_lambda_function_url.this[0].function_url, "/") :
    local.http_api ? aws_apigatewayv2_api.this[0].api_endpoint :
    "${var.alb.certificate_arn == null ? "http" : "https"}://${var.alb.host}:${var.alb.port}"
  )
}

output "target" {
  description = "The entry of the targets file."
  value = {
    name                    = "lambda"
    kind                    = "lambda"
    url                     = local.url
    region                  = data.aws_region.current.region
    arch                    = var.arch
    memory_mb               = var.memory_mb
    package                 = var.image_uri == null ? "zip" : "image"
    front_door              = var.front_door
    auth                    = local.auth
    tls                     = local.alb ? var.alb.certificate_arn != null : true
    function_name           = aws_lambda_function.this.function_name
    qualifier               = aws_lambda_alias.live.name
    log_group               = aws_cloudwatch_log_group.this.name
    provisioned_concurrency = var.provisioned_concurrency
    concurrency_limit       = var.reserved_concurrency == -1 ? null : var.reserved_concurrency
  }

  # Whoever reads it may call at once.
  depends_on = [
    aws_apigatewayv2_stage.this,
    aws_lambda_permission.alb,
    aws_lambda_permission.http_api,
    aws_lambda_permission.public_invoke,
    aws_lambda_permission.public_url,
    aws_lambda_provisioned_concurrency_config.live,
    aws_lb_listener.this,
    aws_lb_target_group_attachment.this,
    aws_vpc_security_group_ingress_rule.alb,
  ]
}

output "call_policy" {
  description = "IAM policy, in JSON, of a role that calls a front door with auth AWS_IAM; null where none is needed."
  value = local.auth == "NONE" ? null : local.http_api ? jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = "execute-api:Invoke"
      # wildcard: any method and path of this one API
      Resource = "${aws_apigatewayv2_api.this[0].execution_arn}/*"
    }]
    }) : jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = "lambda:InvokeFunctionUrl"
        Resource = aws_lambda_alias.live.arn
      },
      {
        # Needed beside the other since October 2025, and through the URL only.
        Effect    = "Allow"
        Action    = "lambda:InvokeFunction"
        Resource  = aws_lambda_alias.live.arn
        Condition = { Bool = { "lambda:InvokedViaFunctionUrl" = "true" } }
      },
    ]
  })
}

output "security_group_id" {
  description = "Security group of the function."
  value       = aws_security_group.this.id
}

output "log_group_arn" {
  description = "ARN of the function's log group."
  value       = aws_cloudwatch_log_group.this.arn
}
