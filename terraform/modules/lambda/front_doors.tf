locals {
  function_url = var.front_door == "function_url"
  http_api     = var.front_door == "http_api"
  alb          = var.front_door == "alb"
  auth         = local.alb ? "NONE" : var.auth # networks decide there
}

# --- function URL ------------------------------------------------------------------------------------------------------

resource "aws_lambda_function_url" "this" {
  count = local.function_url ? 1 : 0

  function_name      = aws_lambda_function.this.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = local.auth
  invoke_mode        = var.response_stream ? "RESPONSE_STREAM" : "BUFFERED"

  lifecycle {
    replace_triggered_by = [aws_lambda_alias.live.id]
  }
}

# A public URL needs both of these since October 2025: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
resource "aws_lambda_permission" "public_url" {
  count = local.function_url && local.auth == "NONE" ? 1 : 0

  statement_id  = "PublicURL"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  action        = "lambda:InvokeFunctionUrl"
  # wildcard: a public URL, by explicit consent
  principal              = "*"
  function_url_auth_type = "NONE"

  # The provider adds a permission of its own when it makes a public URL, and of two additions at once AWS may forget one.
  depends_on = [aws_lambda_function_url.this]

  lifecycle {
    replace_triggered_by = [aws_lambda_alias.live.id]
  }
}

resource "aws_lambda_permission" "public_invoke" {
  count = local.function_url && local.auth == "NONE" ? 1 : 0

  statement_id  = "PublicInvokeThroughURL"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  action        = "lambda:InvokeFunction"
  # wildcard: a public URL, by explicit consent
  principal = "*"
  # Through the URL only: without this anybody with an AWS account could call the Invoke API.
  invoked_via_function_url = true

  depends_on = [aws_lambda_function_url.this]

  lifecycle {
    replace_triggered_by = [aws_lambda_alias.live.id]
  }
}

# --- HTTP API ----------------------------------------------------------------------------------------------------------

resource "aws_apigatewayv2_api" "this" {
  count = local.http_api ? 1 : 0

  name          = local.function
  protocol_type = "HTTP"
  tags          = var.tags
}

resource "aws_apigatewayv2_integration" "this" {
  count = local.http_api ? 1 : 0

  api_id                 = aws_apigatewayv2_api.this[0].id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = aws_lambda_alias.live.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 30000
}

resource "aws_apigatewayv2_route" "this" {
  count = local.http_api ? 1 : 0

  api_id             = aws_apigatewayv2_api.this[0].id
  route_key          = "$default"
  target             = "integrations/${aws_apigatewayv2_integration.this[0].id}"
  authorization_type = local.auth
}

resource "aws_apigatewayv2_stage" "this" {
  count = local.http_api ? 1 : 0

  api_id      = aws_apigatewayv2_api.this[0].id
  name        = "$default"
  auto_deploy = true
  tags        = var.tags

  depends_on = [aws_apigatewayv2_route.this]
}

resource "aws_lambda_permission" "http_api" {
  count = local.http_api ? 1 : 0

  statement_id  = "HTTPAPI"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  # wildcard: any stage of this one API and its only route
  source_arn = "${aws_apigatewayv2_api.this[0].execution_arn}/*/$default"

  lifecycle {
    replace_triggered_by = [aws_lambda_alias.live.id]
  }
}

# --- ALB ---------------------------------------------------------------------------------------------------------------

resource "aws_lb_target_group" "this" {
  count = local.alb ? 1 : 0

  name                               = "${var.name}-lambda"
  target_type                        = "lambda"
  lambda_multi_value_headers_enabled = true # else a repeated header or query key loses all values but the last
  tags                               = var.tags

  # Health checks would be invocations, which cost and keep an environment warm.
  health_check {
    enabled = false
    # AWS checks these all the same, and the provider's interval is as long as AWS's timeout for functions, which must be shorter.
    interval = 35
    timeout  = 30
  }
}

resource "aws_lambda_permission" "alb" {
  count = local.alb ? 1 : 0

  statement_id  = "ALB"
  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name
  action        = "lambda:InvokeFunction"
  principal     = "elasticloadbalancing.amazonaws.com"
  source_arn    = aws_lb_target_group.this[0].arn

  lifecycle {
    replace_triggered_by = [aws_lambda_alias.live.id]
  }
}

resource "aws_lb_target_group_attachment" "this" {
  count = local.alb ? 1 : 0

  target_group_arn = aws_lb_target_group.this[0].arn
  target_id        = aws_lambda_alias.live.arn

  depends_on = [aws_lambda_permission.alb]
}

# A listener with TLS does not become one without: the provider keeps the policy of ciphers, which AWS refuses for plain HTTP. A certificate
# whose ARN is not known until apply replaces it, too.
resource "terraform_data" "tls" {
  input = try(var.alb.certificate_arn != null, false)
}

resource "aws_lb_listener" "this" {
  count = local.alb ? 1 : 0

  load_balancer_arn = var.alb.arn
  port              = var.alb.port
  protocol          = var.alb.certificate_arn == null ? "HTTP" : "HTTPS"
  certificate_arn   = var.alb.certificate_arn
  ssl_policy        = var.alb.certificate_arn == null ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"
  tags              = var.tags

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[0].arn
  }

  lifecycle {
    replace_triggered_by = [terraform_data.tls]
  }
}

resource "aws_vpc_security_group_ingress_rule" "alb" {
  for_each = local.alb ? var.alb.callers : {}

  security_group_id = var.alb.security_group_id
  description       = "${each.key}, to the function"
  ip_protocol       = "tcp"
  from_port         = var.alb.port
  to_port           = var.alb.port
  cidr_ipv4         = each.value
  tags              = var.tags
}
