# The one function. What invokes it invokes the alias `live`, which points at a published version: to roll back, point it
# at an earlier one.

locals {
  function_environment = {
    DOFS_CLOUD                    = "aws"
    DOFS_REGION                   = local.region
    DOFS_ENVIRONMENT              = var.environment
    DOFS_ORDERS_TABLE             = local.names.orders_table
    DOFS_FAILED_ORDERS_TABLE      = local.names.failed_orders_table
    DOFS_QUEUE_URL                = aws_sqs_queue.fulfillment.url
    DOFS_DEAD_LETTER_QUEUE_URL    = aws_sqs_queue.dead_letter.url
    DOFS_STATE_MACHINE_ARN        = local.state_machine_arn
    DOFS_API_AUTH                 = var.api_auth
    DOFS_OPERATOR_API             = var.operator_api ? "on" : "off"
    DOFS_CORS_ORIGINS             = join(",", var.cors_origins)
    DOFS_LOG_LEVEL                = var.log_level
    DOFS_METRICS_NAMESPACE        = local.metrics_namespace
    DOFS_MAX_ATTEMPTS             = tostring(var.sqs_max_receive_count)
    DOFS_VISIBILITY_TIMEOUT       = tostring(var.sqs_visibility_timeout)
    DOFS_FUNCTION_TIMEOUT         = tostring(var.lambda_timeout)
    DOFS_STATUS_SHARDS            = tostring(var.status_shards)
    DOFS_PREVIOUS_STATUS_SHARDS   = tostring(var.previous_status_shards)
    DOFS_FULFILLMENT_SUCCESS_RATE = tostring(var.fulfillment_success_rate)
  }
}

resource "aws_lambda_function" "orders" {
  # checkov:skip=CKV_AWS_117: it talks to AWS services only, all over TLS; a VPC would add NAT or seven endpoints and no safety
  # checkov:skip=CKV_AWS_116: its asynchronous invocations are the schedule's, and the next one does what a lost one did not
  # checkov:skip=CKV_AWS_173: the environment holds names and numbers, no secret
  # checkov:skip=CKV_AWS_115: the limit is var.lambda_reserved_concurrency; a default would fail in accounts with a small quota
  # checkov:skip=CKV_AWS_50: tracing is var.enable_tracing
  # checkov:skip=CKV_AWS_272: code signing does not exist for container images; the image is named by its digest
  function_name                  = local.names.function
  description                    = "The API, the workflow's steps, fulfillment and the reconciler of ${local.prefix}."
  package_type                   = "Image"
  image_uri                      = var.image_uri
  architectures                  = [var.lambda_architecture]
  role                           = aws_iam_role.function.arn
  timeout                        = var.lambda_timeout
  memory_size                    = var.lambda_memory_size
  reserved_concurrent_executions = var.lambda_reserved_concurrency
  publish                        = true

  environment {
    variables = local.function_environment
  }

  # The function keeps to DOFS_LOG_LEVEL by itself. Its lines of metrics bear no level, and have to pass: Lambda must
  # filter none. Lambda's own lines, of each start and end, are INFO.
  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.function.name
    application_log_level = "TRACE"
    system_log_level      = contains(["WARNING", "ERROR"], var.log_level) ? "WARN" : "INFO"
  }

  tracing_config {
    mode = var.enable_tracing ? "Active" : "PassThrough"
  }

  dynamic "snap_start" {
    for_each = var.lambda_snap_start ? ["PublishedVersions"] : []

    content {
      apply_on = snap_start.value
    }
  }

  # Otherwise Lambda makes the log group itself, without an end to its retention; and it looks at the role for tracing.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy_attachment.function]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What the API, the workflow, the queue and the schedule invoke."
  function_name    = aws_lambda_function.orders.function_name
  function_version = aws_lambda_function.orders.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = var.lambda_provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_function.orders.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = var.lambda_provisioned_concurrency
}

resource "aws_cloudwatch_log_group" "function" {
  # checkov:skip=CKV_AWS_158: encrypted by AWS unless var.kms_key_arn names a key; a key of one's own costs extra
  # checkov:skip=CKV_AWS_338: orders are on record in the tables; how long logs are kept is var.log_retention_days
  name              = "/aws/lambda/${local.names.function}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "function" {
  name                 = local.names.function_role
  permissions_boundary = var.permissions_boundary_arn

  # Lambda offers no condition here; that a function can be given the role is guarded by iam:PassRole.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "function" {
  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.function.arn
}

resource "aws_iam_policy" "function" {
  name        = local.names.function_policy
  description = "What the function may do: each action on the resources of this deployment, and on no others."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Orders"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
        Resource = aws_dynamodb_table.orders.arn
      },
      {
        Sid      = "OrderLists"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = [for index in aws_dynamodb_table.orders.global_secondary_index : "${aws_dynamodb_table.orders.arn}/index/${index.name}"]
      },
      {
        # A transaction needs the permissions of what it does. DeleteItem is an operator's redrive.
        Sid      = "FailedOrders"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"]
        Resource = aws_dynamodb_table.failed_orders.arn
      },
      {
        Sid      = "FailedOrderLists"
        Effect   = "Allow"
        Action   = "dynamodb:Query"
        Resource = [for index in aws_dynamodb_table.failed_orders.global_secondary_index : "${aws_dynamodb_table.failed_orders.arn}/index/${index.name}"]
      },
      {
        Sid      = "SendAgain"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.fulfillment.arn
      },
      {
        # The event source mapping takes messages with the function's role.
        Sid      = "TakeMessages"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        Resource = aws_sqs_queue.fulfillment.arn
      },
      {
        # The reconciler looks at dead letters; a redrive takes those out that tell of what it sends again.
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.dead_letter.arn
      },
      {
        Sid      = "StartWorkflows"
        Effect   = "Allow"
        Action   = ["states:StartExecution", "states:DescribeStateMachine"]
        Resource = local.state_machine_arn
      },
      {
        # The streams of the one group; Lambda makes up their names.
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function.arn}:*"
      },
      ], var.enable_tracing ? [{
        # X-Ray knows no resources for these.
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
        }] : [], var.kms_key_arn == null ? [] : [{
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn
    }])
  })
}
