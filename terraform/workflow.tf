# The order workflow. The embedded system and LocalStack use the same definition file.

resource "aws_sfn_state_machine" "orders" {
  # checkov:skip=CKV_AWS_284: var.enable_tracing turns tracing on
  # checkov:skip=CKV_AWS_285: it logs errors; an EXPRESS workflow, which keeps no history, logs every event
  name     = local.names.state_machine
  type     = var.workflow_type
  role_arn = aws_iam_role.workflow.arn

  definition = templatefile("${path.module}/../workflows/order_processing.asl.json", {
    function_arn = aws_lambda_alias.live.arn
    queue_url    = aws_sqs_queue.fulfillment.url
  })

  # An operator who starts an execution can put an order into its input; orders do not belong in logs.
  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.workflow.arn}:*"
    level                  = var.workflow_type == "EXPRESS" ? "ALL" : "ERROR"
    include_execution_data = false
  }

  dynamic "tracing_configuration" {
    for_each = var.enable_tracing ? [true] : []

    content {
      enabled = tracing_configuration.value
    }
  }

  depends_on = [aws_iam_role_policy.workflow]
}

resource "aws_cloudwatch_log_group" "workflow" {
  # checkov:skip=CKV_AWS_158: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV_AWS_338: the tables hold the orders; var.log_retention_days sets the retention
  name              = "/aws/stepfunctions/${local.names.state_machine}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "workflow" {
  name                 = local.names.workflow_role
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = local.state_machine_arn }
      }
    }]
  })
}

resource "aws_iam_role_policy" "workflow" {
  # checkov:skip=CKV_AWS_290: the actions of log delivery support no resource-level permissions
  # checkov:skip=CKV_AWS_355: see CKV_AWS_290
  # checkov:skip=CKV_AWS_289: see CKV_AWS_290
  name = local.names.workflow_policy
  role = aws_iam_role.workflow.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Steps"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = aws_lambda_alias.live.arn
      },
      {
        Sid      = "Enqueue"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = aws_sqs_queue.fulfillment.arn
      },
      {
        # CloudWatch Logs supports no resource-level permissions for these actions.
        # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
        Sid    = "LogDelivery"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery",
          "logs:GetLogDelivery",
          "logs:UpdateLogDelivery",
          "logs:DeleteLogDelivery",
          "logs:ListLogDeliveries",
          "logs:PutResourcePolicy",
          "logs:DescribeResourcePolicies",
          "logs:DescribeLogGroups",
        ]
        Resource = "*"
      },
      ], var.enable_tracing ? [{
        # X-Ray supports no resource-level permissions for these actions.
        Sid      = "Traces"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]
        Resource = "*"
        }] : [], var.kms_key_arn == null ? [] : [{
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn
    }])
  })
}
