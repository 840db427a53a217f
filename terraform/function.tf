# The Lambda function. Every caller invokes the alias `live`, which points at a published version. To roll back, point the
# alias at an earlier version.

locals {
  function_environment = merge({
    DOFS_CLOUD                    = "aws"
    DOFS_REGION                   = local.region
    DOFS_ENVIRONMENT              = var.environment
    DOFS_ORDERS_TABLE             = local.names.orders_table
    DOFS_FAILED_ORDERS_TABLE      = local.names.failed_orders_table
    DOFS_QUEUE_URL                = aws_sqs_queue.fulfillment.url
    DOFS_DEAD_LETTER_QUEUE_URL    = aws_sqs_queue.dead_letter.url
    DOFS_STATE_MACHINE_ARN        = local.state_machine_arn
    DOFS_API_AUTH                 = var.api_auth
    DOFS_API_CALLERS              = join(",", [for each in sort(keys(local.api_keys)) : "${aws_api_gateway_api_key.callers[each].id}=${local.api_keys[each]}"])
    DOFS_OPERATOR_API             = var.operator_api ? "on" : "off"
    DOFS_CORS_ORIGINS             = join(",", var.cors_origins)
    DOFS_LOG_LEVEL                = var.log_level
    DOFS_METRICS_NAMESPACE        = local.metrics_namespace
    DOFS_MAX_ATTEMPTS             = tostring(var.sqs_max_receive_count)
    DOFS_VISIBILITY_TIMEOUT       = tostring(var.sqs_visibility_timeout)
    DOFS_RETRY_DELAY              = tostring(var.sqs_retry_delay)
    DOFS_FUNCTION_TIMEOUT         = tostring(var.lambda_timeout)
    DOFS_STATUS_SHARDS            = tostring(var.status_shards)
    DOFS_PREVIOUS_STATUS_SHARDS   = tostring(var.previous_status_shards)
    DOFS_RESTART_AFTER            = tostring(var.restart_after)
    DOFS_RECOVER_AFTER            = tostring(var.recover_after)
    DOFS_RESEND_AFTER             = tostring(var.resend_after)
    DOFS_LOOK_AFTER               = tostring(var.look_after)
    DOFS_DUE_AFTER                = tostring(var.due_after)
    DOFS_BACKOFF_CEILING          = tostring(var.backoff_ceiling)
    DOFS_RESTART_LIMIT            = tostring(var.restart_limit)
    DOFS_RECONCILE_LIMIT          = tostring(var.reconcile_limit)
    DOFS_RECONCILE_PARALLEL       = tostring(var.reconcile_parallel)
    DOFS_LENIENT_BYTES            = tostring(var.lenient_bytes)
    DOFS_REDRIVE_RATE             = tostring(var.redrive_rate)
    DOFS_FULFILLMENT_SUCCESS_RATE = tostring(var.fulfillment_success_rate)
    }, var.warehouse_url == null ? {} : {
    DOFS_WAREHOUSE_URL    = var.warehouse_url
    DOFS_WAREHOUSE_SECRET = local.warehouse_secret_arn
  })
}

resource "aws_lambda_function" "orders" {
  # checkov:skip=CKV_AWS_117: it calls AWS and the warehouse only, over TLS; a VPC would need NAT and eight endpoints and make nothing safer
  # checkov:skip=CKV_AWS_116: only the schedule invokes it asynchronously, and the next run does the work of a lost one
  # checkov:skip=CKV_AWS_173: the environment holds names and numbers, no secret; the warehouse's is named by its ARN
  # checkov:skip=CKV_AWS_115: var.lambda_reserved_concurrency sets a limit; a default would fail in accounts with a small quota
  # checkov:skip=CKV_AWS_50: var.enable_tracing turns tracing on
  # checkov:skip=CKV_AWS_272: Lambda cannot verify signatures of container images; the image is pinned by digest
  function_name                  = local.names.function
  description                    = "API, workflow steps, fulfillment and reconciler of ${local.prefix}."
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

  # Lambda must not filter the function's lines: the function applies DOFS_LOG_LEVEL itself, and Lambda would drop its
  # metric lines, which have no level. Lambda logs the start and the end of each invocation as INFO.
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

  # Without the log group, Lambda creates it with unlimited retention. With tracing, Lambda checks the role's policy.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy_attachment.function]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "The version that the API, the workflow, the queue and the schedule invoke."
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
  # checkov:skip=CKV_AWS_158: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV_AWS_338: the tables hold the orders; var.log_retention_days sets the retention
  name              = "/aws/lambda/${local.names.function}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "function" {
  name                 = local.names.function_role
  permissions_boundary = var.permissions_boundary_arn

  # Lambda supports no condition on its trust. iam:PassRole controls who can give the role to a function.
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
  name = local.names.function_policy
  # IAM cannot change a policy's description: a new text would replace the policy of a running function.
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
        # A transaction needs the permission of each of its actions. A redrive deletes the failed order.
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
        Action   = ["sqs:SendMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
        Resource = aws_sqs_queue.fulfillment.arn
      },
      {
        # The event source mapping receives messages with the function's role.
        Sid      = "TakeMessages"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage"]
        Resource = aws_sqs_queue.fulfillment.arn
      },
      {
        # The reconciler reads the dead-letter queue. A redrive deletes the messages of the orders that it resends.
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
        # Lambda chooses the names of the log streams.
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function.arn}:*"
      },
      ], var.warehouse_url == null ? [] : [{
        # Secrets Manager decrypts a secret for its readers, unless var.kms_key_arn encrypts it: see Key.
        Sid      = "WarehouseSecret"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = local.warehouse_secret_arn
        }], var.enable_tracing ? [{
        # X-Ray supports no resource-level permissions for these actions.
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
