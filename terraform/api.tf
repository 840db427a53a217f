# The REST API. It checks the body of `POST /order` and passes every request to the function's alias.

locals {
  order_path   = "/order"
  proxy_path   = "/{proxy+}"
  console_path = "/console"
  files_path   = "/console/{proxy+}"
  events_path  = "/warehouse/events"

  resource_ids = merge(
    {
      "/"                = aws_api_gateway_rest_api.orders.root_resource_id
      (local.order_path) = aws_api_gateway_resource.order.id
      (local.proxy_path) = aws_api_gateway_resource.proxy.id
    },
    { for resource in aws_api_gateway_resource.console : local.console_path => resource.id },
    { for resource in aws_api_gateway_resource.console_files : local.files_path => resource.id },
    { for resource in aws_api_gateway_resource.warehouse_events : local.events_path => resource.id },
  )

  methods = merge(
    {
      "ANY /"         = { path = "/", method = "ANY", open = false, validated = false }
      "POST /order"   = { path = local.order_path, method = "POST", open = false, validated = true }
      "ANY /order"    = { path = local.order_path, method = "ANY", open = false, validated = false }
      "ANY /{proxy+}" = { path = local.proxy_path, method = "ANY", open = false, validated = false }
    },
    # A browser sends a preflight OPTIONS request without credentials, so it is not authenticated. The function compares the
    # origin with cors_origins.
    length(var.cors_origins) == 0 ? {} : {
      "OPTIONS /order"    = { path = local.order_path, method = "OPTIONS", open = true, validated = false }
      "OPTIONS /{proxy+}" = { path = local.proxy_path, method = "OPTIONS", open = true, validated = false }
    },
    # A browser cannot send an API key with a typed URL, so the console's files are not authenticated. They hold no data;
    # the API requests of the page are authenticated.
    !var.operator_api ? {} : {
      "GET /console"           = { path = local.console_path, method = "GET", open = true, validated = false }
      "GET /console/{proxy+}"  = { path = local.files_path, method = "GET", open = true, validated = false }
      "HEAD /console"          = { path = local.console_path, method = "HEAD", open = true, validated = false }
      "HEAD /console/{proxy+}" = { path = local.files_path, method = "HEAD", open = true, validated = false }
    },
    # The warehouse has no identity of var.api_auth. The function verifies its signature.
    var.warehouse_url == null ? {} : {
      "POST /warehouse/events" = { path = local.events_path, method = "POST", open = true, validated = false }
    },
  )

  authorization = { none = "NONE", api_key = "NONE", iam = "AWS_IAM", cognito = "COGNITO_USER_POOLS" }[var.api_auth]

  # A gateway response can name only one origin. With several cors_origins, pages of the others cannot read it.
  gateway_cors_headers = length(var.cors_origins) == 0 ? {} : {
    "gatewayresponse.header.Access-Control-Allow-Origin" = "'${var.cors_origins[0]}'"
    "gatewayresponse.header.Vary"                        = "'Origin'"
  }

  problem = { "gatewayresponse.header.Content-Type" = "'application/problem+json'" }

  gateway_responses = {
    BAD_REQUEST_BODY = {
      status = "400"
      body   = jsonencode({ type = "urn:dofs:problem:malformed-json", title = "The body is not acceptable JSON", status = 400 })
    }
    THROTTLED = {
      status = "429"
      body   = jsonencode({ type = "urn:dofs:problem:throttled", title = "Too many requests; try again", status = 429 })
    }
    DEFAULT_4XX = { status = null, body = "{\"type\": \"about:blank\", \"title\": $context.error.messageString}" }
    DEFAULT_5XX = { status = null, body = "{\"type\": \"about:blank\", \"title\": $context.error.messageString}" }
  }
}

resource "aws_api_gateway_rest_api" "orders" {
  # checkov:skip=CKV_AWS_237: create_before_destroy is set; its permissions and stage are recreated with it
  name        = local.names.rest_api
  description = "Receives orders."

  endpoint_configuration {
    types = ["REGIONAL"]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_resource" "order" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_rest_api.orders.root_resource_id
  path_part   = trimprefix(local.order_path, "/")
}

resource "aws_api_gateway_resource" "proxy" {
  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_rest_api.orders.root_resource_id
  path_part   = trimprefix(local.proxy_path, "/")
}

resource "aws_api_gateway_resource" "console" {
  count = var.operator_api ? 1 : 0

  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_rest_api.orders.root_resource_id
  path_part   = trimprefix(local.console_path, "/")
}

resource "aws_api_gateway_resource" "console_files" {
  count = var.operator_api ? 1 : 0

  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_resource.console[0].id
  path_part   = trimprefix(local.proxy_path, "/")
}

resource "aws_api_gateway_resource" "warehouse" {
  count = var.warehouse_url == null ? 0 : 1

  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_rest_api.orders.root_resource_id
  path_part   = split("/", local.events_path)[1]
}

resource "aws_api_gateway_resource" "warehouse_events" {
  count = var.warehouse_url == null ? 0 : 1

  rest_api_id = aws_api_gateway_rest_api.orders.id
  parent_id   = aws_api_gateway_resource.warehouse[0].id
  path_part   = split("/", local.events_path)[2]
}

# The gateway checks only that the body is a JSON object. The function reports every invalid field in one response; with
# `Prefer: handling=lenient` the workflow validates the order instead.
resource "aws_api_gateway_model" "order" {
  rest_api_id  = aws_api_gateway_rest_api.orders.id
  name         = "Order"
  content_type = "application/json"
  schema       = jsonencode({ "$schema" = "http://json-schema.org/draft-04/schema#", title = "Order", type = "object" })
}

resource "aws_api_gateway_request_validator" "body" {
  rest_api_id           = aws_api_gateway_rest_api.orders.id
  name                  = "body"
  validate_request_body = true
}

resource "aws_api_gateway_authorizer" "cognito" {
  count = var.api_auth == "cognito" ? 1 : 0

  rest_api_id   = aws_api_gateway_rest_api.orders.id
  name          = "cognito"
  type          = "COGNITO_USER_POOLS"
  provider_arns = [var.cognito_user_pool_arn]
}

resource "aws_api_gateway_method" "orders" {
  # checkov:skip=CKV_AWS_59: api_auth = none is refused outside dev; a browser cannot authenticate OPTIONS and the console's files; the warehouse signs its events
  # checkov:skip=CKV2_AWS_53: the gateway validates `POST /order`, the function everything else
  for_each = local.methods

  rest_api_id          = aws_api_gateway_rest_api.orders.id
  resource_id          = local.resource_ids[each.value.path]
  http_method          = each.value.method
  authorization        = each.value.open ? "NONE" : local.authorization
  authorizer_id        = each.value.open ? null : one(aws_api_gateway_authorizer.cognito[*].id)
  api_key_required     = var.api_auth == "api_key" && !each.value.open
  request_validator_id = each.value.validated ? aws_api_gateway_request_validator.body.id : null
  request_models       = each.value.validated ? { "application/json" = aws_api_gateway_model.order.name } : null
}

resource "aws_api_gateway_integration" "function" {
  for_each = local.methods

  rest_api_id             = aws_api_gateway_rest_api.orders.id
  resource_id             = local.resource_ids[each.value.path]
  http_method             = aws_api_gateway_method.orders[each.key].http_method
  type                    = "AWS_PROXY"
  integration_http_method = "POST"
  uri                     = aws_lambda_alias.live.invoke_arn
}

resource "aws_api_gateway_gateway_response" "problem" {
  for_each = local.gateway_responses

  rest_api_id         = aws_api_gateway_rest_api.orders.id
  response_type       = each.key
  status_code         = each.value.status
  response_parameters = merge(local.problem, local.gateway_cors_headers)
  response_templates  = { "application/json" = each.value.body }
}

resource "aws_api_gateway_deployment" "orders" {
  rest_api_id = aws_api_gateway_rest_api.orders.id

  # Hashes this file and the variables. A hash of resource attributes would change, and replace the deployment, in every plan.
  triggers = {
    definition = sha1(jsonencode([filesha1("${path.module}/api.tf"), var.api_auth, var.cognito_user_pool_arn, var.cors_origins, var.operator_api, var.warehouse_url != null, local.names]))
  }

  depends_on = [aws_api_gateway_integration.function, aws_api_gateway_gateway_response.problem]

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_api_gateway_stage" "orders" {
  # checkov:skip=CKV_AWS_120: a response about an order must not come from a cache
  # checkov:skip=CKV_AWS_73: var.enable_tracing turns tracing on
  # checkov:skip=CKV2_AWS_29: var.enable_waf adds a web ACL
  # checkov:skip=CKV2_AWS_77: waf.tf has its rules, including those against Log4j
  # checkov:skip=CKV2_AWS_51: clients have no certificates; var.api_auth selects how they authenticate
  rest_api_id          = aws_api_gateway_rest_api.orders.id
  deployment_id        = aws_api_gateway_deployment.orders.id
  stage_name           = var.environment
  xray_tracing_enabled = var.enable_tracing

  # Logs neither the query string, which can hold a customer_id, nor the body, which holds the order. The function logs this
  # requestId as gateway_request_id.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api.arn
    format = jsonencode({
      time        = "$context.requestTime"
      requestId   = "$context.requestId"
      xrayTraceId = "$context.xrayTraceId"
      ip          = "$context.identity.sourceIp"
      method      = "$context.httpMethod"
      resource    = "$context.resourcePath"
      status      = "$context.status"
      latency     = "$context.responseLatency"
      error       = "$context.error.responseType"
    })
  }

  depends_on = [aws_cloudwatch_log_group.api_errors]
}

resource "aws_api_gateway_method_settings" "all" {
  # checkov:skip=CKV_AWS_225: a response about an order must not come from a cache
  # checkov:skip=CKV_AWS_308: see CKV_AWS_225
  rest_api_id = aws_api_gateway_rest_api.orders.id
  stage_name  = aws_api_gateway_stage.orders.stage_name
  method_path = "*/*"

  settings {
    metrics_enabled        = true
    logging_level          = "ERROR"
    data_trace_enabled     = false
    throttling_rate_limit  = var.api_throttling_rate
    throttling_burst_limit = var.api_throttling_burst
  }
}

# Forged events must not use up the requests of the API's callers, nor callers those of the warehouse.
resource "aws_api_gateway_method_settings" "warehouse_events" {
  # checkov:skip=CKV_AWS_225: a response about an order must not come from a cache
  # checkov:skip=CKV_AWS_308: see CKV_AWS_225
  count = var.warehouse_url == null ? 0 : 1

  rest_api_id = aws_api_gateway_rest_api.orders.id
  stage_name  = aws_api_gateway_stage.orders.stage_name
  method_path = "${replace(local.events_path, "/", "~1")}/POST"

  # The settings of a method replace all those of the stage.
  settings {
    metrics_enabled        = true
    logging_level          = "ERROR"
    data_trace_enabled     = false
    throttling_rate_limit  = var.warehouse_events_rate
    throttling_burst_limit = var.warehouse_events_burst
  }
}

resource "aws_cloudwatch_log_group" "api" {
  # checkov:skip=CKV_AWS_158: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV_AWS_338: the tables hold the orders; var.log_retention_days sets the retention
  name              = "/aws/apigateway/${local.names.rest_api}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# API Gateway dictates this name. Without this resource it creates the log group itself, with unlimited retention.
resource "aws_cloudwatch_log_group" "api_errors" {
  # checkov:skip=CKV_AWS_158: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV_AWS_338: the tables hold the orders; var.log_retention_days sets the retention
  name              = "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.orders.id}/${var.environment}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_permission" "api" {
  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.orders.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.orders.execution_arn}/*"
}

resource "aws_api_gateway_usage_plan" "callers" {
  count = var.api_auth == "api_key" ? 1 : 0

  name = local.names.rest_api

  api_stages {
    api_id = aws_api_gateway_rest_api.orders.id
    stage  = aws_api_gateway_stage.orders.stage_name
  }

  throttle_settings {
    rate_limit  = var.api_throttling_rate
    burst_limit = var.api_throttling_burst
  }
}

locals {
  # The callers by their keys, as "shop/1" = "shop".
  api_keys = var.api_auth != "api_key" ? {} : merge([for caller, labels in var.api_keys : { for label in labels : "${caller}/${label}" => caller }]...)
}

resource "aws_api_gateway_api_key" "callers" {
  for_each = local.api_keys

  name = "${local.names.rest_api}-${replace(each.key, "/", "-")}"
}

resource "aws_api_gateway_usage_plan_key" "callers" {
  for_each = local.api_keys

  key_id        = aws_api_gateway_api_key.callers[each.key].id
  key_type      = "API_KEY"
  usage_plan_id = aws_api_gateway_usage_plan.callers[0].id
}

# Version 0.1.0 has one key.
moved {
  from = aws_api_gateway_api_key.first[0]
  to   = aws_api_gateway_api_key.callers["first/1"]
}

moved {
  from = aws_api_gateway_usage_plan_key.first[0]
  to   = aws_api_gateway_usage_plan_key.callers["first/1"]
}
