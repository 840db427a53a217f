# The permissions boundary of every role in terraform/. It grants nothing by itself. It exists also where only people deploy,
# so that the roles are the same everywhere.

resource "aws_iam_policy" "boundary" {
  name = "${local.own}-boundary"
  # IAM cannot change a policy's description: a new text would replace the boundary of every role.
  description = "The most that a role of ${local.prefix} can be given; it grants nothing."

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid    = "OwnResources"
        Effect = "Allow"
        Action = [
          "codebuild:BatchGetBuilds", "codebuild:StartBuild", "dynamodb:*Item", "dynamodb:Query",
          "lambda:InvokeFunction", "logs:CreateLogStream", "logs:PutLogEvents", "s3:GetBucketVersioning",
          "s3:GetObject*", "s3:ListBucket", "s3:PutObject", "secretsmanager:GetSecretValue", "sns:Publish",
          "sqs:*Message*", "sqs:GetQueueAttributes", "states:DescribeStateMachine", "states:StartExecution",
        ]
        Resource = [
          "arn:${local.partition}:codebuild:${local.here}:project/${local.prefix}-*",
          "arn:${local.partition}:dynamodb:${local.here}:table/${local.prefix}-*",
          "arn:${local.partition}:lambda:${local.here}:function:${local.prefix}-*",
          "arn:${local.partition}:logs:${local.here}:log-group:/aws/*/${local.prefix}-*",
          "arn:${local.partition}:s3:::${local.prefix}-pipeline-*",
          "arn:${local.partition}:secretsmanager:${local.here}:secret:${local.prefix}-*",
          "arn:${local.partition}:sns:${local.here}:${local.prefix}-*",
          "arn:${local.partition}:sqs:${local.here}:${local.prefix}-*",
          "arn:${local.partition}:states:${local.here}:stateMachine:${local.prefix}-*",
        ]
      },
      {
        # A connection's ARN holds an id and no name.
        Sid      = "Connections"
        Effect   = "Allow"
        Action   = "codeconnections:UseConnection"
        Resource = "arn:${local.partition}:codeconnections:${local.here}:connection/*"
      },
      {
        # The actions of traces and log delivery support no resource-level permissions.
        Sid    = "Nameless"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
          "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
          "xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments",
        ]
        Resource = "*"
      },
      ], var.kms_key_arn == null ? [] : [{
        Sid      = "Key"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.kms_key_arn
    }])
  })
}
