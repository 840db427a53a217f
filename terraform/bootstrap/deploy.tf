# The deployment role and its permissions: `terraform apply` in terraform/, and a push of the image. It may manage only
# resources whose names start with the project's name; a comment marks each action that AWS cannot limit so.

locals {
  here = "${local.region}:${local.account}"
  api  = "arn:${local.partition}:apigateway:${local.region}:"

  # A policy is limited to 6,144 characters, so there are several.
  deploy_policies = {
    release = concat([
      {
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = local.state_arn
      },
      {
        Sid      = "States"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "${local.state_arn}/${local.prefix}/*"
      },
      {
        # Terraform deletes its locks, and never a state.
        Sid      = "Unlock"
        Effect   = "Allow"
        Action   = "s3:DeleteObject"
        Resource = "${local.state_arn}/${local.prefix}/*.tflock"
      },
      {
        # The login is to the whole registry, so this action supports no resource-level permissions.
        Sid      = "RegistryLogin"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        # Lambda checks that the caller who sets an image may pull it.
        Sid    = "Images"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:DescribeImageScanFindings", "ecr:DescribeRepositories", "ecr:GetDownloadUrlForLayer",
          "ecr:GetRepositoryPolicy", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = local.image_arn
      },
      {
        # The smoke test submits an order with api_auth = iam. An API's ARN holds an id and no name.
        Sid    = "Smoke"
        Effect = "Allow"
        Action = "execute-api:Invoke"
        Resource = [
          for route in ["POST/order", "GET/orders/*"] : "arn:${local.partition}:execute-api:${local.here}:*/*/${route}"
        ]
      },
      ], var.state_lock_table == null ? [] : [{
        Sid      = "LockTable"
        Effect   = "Allow"
        Action   = ["dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = "arn:${local.partition}:dynamodb:${local.here}:table/${var.state_lock_table}"
        }], var.kms_key_arn == null ? [] : [{
        # Tables, topics and functions use the key by a grant from the role that creates them.
        Sid    = "Key"
        Effect = "Allow"
        Action = [
          "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
          "kms:ReEncryptFrom", "kms:ReEncryptTo",
        ]
        Resource = var.kms_key_arn
    }])

    system = [
      {
        # None of these actions reads or writes an order.
        Sid    = "Tables"
        Effect = "Allow"
        Action = [
          "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeContinuousBackups",
          "dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource",
          "dynamodb:TagResource", "dynamodb:UntagResource", "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable",
          "dynamodb:UpdateTimeToLive",
        ]
        Resource = "arn:${local.partition}:dynamodb:${local.here}:table/${local.prefix}-*"
      },
      {
        Sid    = "Queues"
        Effect = "Allow"
        Action = [
          "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags",
          "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
        ]
        Resource = "arn:${local.partition}:sqs:${local.here}:${local.prefix}-*"
      },
      {
        Sid    = "Functions"
        Effect = "Allow"
        Action = [
          "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias",
          "lambda:DeleteFunction", "lambda:DeleteFunctionConcurrency", "lambda:DeleteFunctionEventInvokeConfig",
          "lambda:DeleteProvisionedConcurrencyConfig", "lambda:Get*", "lambda:ListTags",
          "lambda:ListVersionsByFunction", "lambda:PublishVersion", "lambda:PutFunctionConcurrency",
          "lambda:PutFunctionEventInvokeConfig", "lambda:PutProvisionedConcurrencyConfig", "lambda:RemovePermission",
          "lambda:TagResource", "lambda:UntagResource", "lambda:UpdateAlias", "lambda:UpdateFunctionCode",
          "lambda:UpdateFunctionConfiguration", "lambda:UpdateFunctionEventInvokeConfig",
        ]
        Resource = "arn:${local.partition}:lambda:${local.here}:function:${local.prefix}-*"
      },
      {
        # The ARN of an event source mapping holds an id and no name; the condition names the function.
        Sid       = "EventSources"
        Effect    = "Allow"
        Action    = ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
        Resource  = "*"
        Condition = { ArnLike = { "lambda:FunctionArn" = "arn:${local.partition}:lambda:${local.here}:function:${local.prefix}-*" } }
      },
      {
        # The same, but AWS supports no condition for these actions.
        Sid      = "EventSourceTags"
        Effect   = "Allow"
        Action   = ["lambda:GetEventSourceMapping", "lambda:ListTags", "lambda:TagResource", "lambda:UntagResource"]
        Resource = "arn:${local.partition}:lambda:${local.here}:event-source-mapping:*"
      },
      {
        Sid    = "Workflows"
        Effect = "Allow"
        Action = [
          "states:CreateStateMachine", "states:DeleteStateMachine", "states:DescribeStateMachine",
          "states:ListStateMachineVersions", "states:ListTagsForResource", "states:TagResource", "states:UntagResource",
          "states:UpdateStateMachine",
        ]
        Resource = "arn:${local.partition}:states:${local.here}:stateMachine:${local.prefix}-*"
      },
      {
        # The plan validates the definition before the state machine exists.
        Sid      = "WorkflowDefinitions"
        Effect   = "Allow"
        Action   = "states:ValidateStateMachineDefinition"
        Resource = "*"
      },
      {
        # None of these actions reads or writes a secret's value.
        Sid    = "Secrets"
        Effect = "Allow"
        Action = [
          "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret",
          "secretsmanager:GetResourcePolicy", "secretsmanager:TagResource", "secretsmanager:UntagResource",
          "secretsmanager:UpdateSecret",
        ]
        Resource = "arn:${local.partition}:secretsmanager:${local.here}:secret:${local.prefix}-*"
      },
      {
        Sid    = "Schedules"
        Effect = "Allow"
        Action = [
          "events:DeleteRule", "events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule",
          "events:PutRule", "events:PutTargets", "events:RemoveTargets", "events:TagResource", "events:UntagResource",
        ]
        Resource = "arn:${local.partition}:events:${local.here}:rule/${local.prefix}-*"
      },
    ]

    edge = [
      {
        # The ARNs of REST APIs, keys and usage plans hold ids and no names. The account's settings are not among them.
        Sid    = "Apis"
        Effect = "Allow"
        Action = [
          "apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT",
          "apigateway:SetWebACL",
        ]
        Resource = [for path in ["apikeys", "restapis", "tags", "usageplans"] : "${local.api}:/${path}*"]
      },
      {
        Sid    = "Firewall"
        Effect = "Allow"
        Action = [
          "wafv2:AssociateWebACL", "wafv2:CreateWebACL", "wafv2:DeleteWebACL", "wafv2:DisassociateWebACL",
          "wafv2:GetWebACL", "wafv2:GetWebACLForResource", "wafv2:ListTagsForResource", "wafv2:TagResource",
          "wafv2:UntagResource", "wafv2:UpdateWebACL",
        ]
        Resource = [
          "arn:${local.partition}:wafv2:${local.here}:regional/webacl/${local.prefix}-*/*",
          "arn:${local.partition}:wafv2:${local.here}:regional/managedruleset/*/*",
          "${local.api}:/restapis/*/stages/*",
        ]
      },
      {
        Sid    = "Alarms"
        Effect = "Allow"
        Action = [
          "cloudwatch:DeleteAlarms", "cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard",
          "cloudwatch:ListTagsForResource", "cloudwatch:PutDashboard",
          "cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", "cloudwatch:UntagResource",
        ]
        Resource = [
          "arn:${local.partition}:cloudwatch:${local.here}:alarm:${local.prefix}-*",
          "arn:${local.partition}:cloudwatch::${local.account}:dashboard/${local.prefix}-*",
        ]
      },
      {
        Sid    = "Topics"
        Effect = "Allow"
        Action = [
          "sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
          "sns:ListTagsForResource", "sns:SetTopicAttributes", "sns:Subscribe", "sns:TagResource", "sns:UntagResource",
        ]
        Resource = "arn:${local.partition}:sns:${local.here}:${local.prefix}-*"
      },
      {
        Sid    = "Logs"
        Effect = "Allow"
        Action = [
          "logs:AssociateKmsKey", "logs:CreateLogGroup", "logs:CreateLogStream", "logs:DeleteLogGroup",
          "logs:DeleteRetentionPolicy", "logs:DisassociateKmsKey", "logs:ListTagsForResource", "logs:PutLogEvents",
          "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
        ]
        # The last is the log group that API Gateway names after a stage.
        Resource = [
          "arn:${local.partition}:logs:${local.here}:log-group:/aws/*/${local.prefix}-*",
          "arn:${local.partition}:logs:${local.here}:log-group:API-Gateway-Execution-Logs_*",
        ]
      },
      {
        # Terraform lists all alarms to find one.
        Sid      = "AlarmList"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "arn:${local.partition}:cloudwatch:${local.here}:alarm:*"
      },
      {
        # Terraform lists all log groups to find one.
        Sid      = "LogList"
        Effect   = "Allow"
        Action   = "logs:DescribeLogGroups"
        Resource = "arn:${local.partition}:logs:${local.here}:log-group:*"
      },
      {
        # The ARN of a saved query holds an id and no name.
        Sid      = "LogQueries"
        Effect   = "Allow"
        Action   = ["logs:DeleteQueryDefinition", "logs:DescribeQueryDefinitions", "logs:PutQueryDefinition"]
        Resource = "*"
      },
      {
        # These actions support no resource-level permissions.
        Sid      = "Subscriptions"
        Effect   = "Allow"
        Action   = ["sns:GetSubscriptionAttributes", "sns:SetSubscriptionAttributes", "sns:Unsubscribe"]
        Resource = "*"
      },
    ]

    pipeline = [
      {
        # Terraform reads every setting of a bucket. It deletes the objects, which are the builds' inputs, with the bucket.
        Sid    = "Artifacts"
        Effect = "Allow"
        Action = [
          "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObject", "s3:DeleteObjectVersion",
          "s3:Get*", "s3:ListBucket", "s3:ListBucketVersions", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock",
          "s3:PutBucketTagging", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
        ]
        Resource = "arn:${local.partition}:s3:::${local.prefix}-pipeline-*"
      },
      {
        Sid    = "Pipelines"
        Effect = "Allow"
        Action = [
          "codebuild:BatchGetProjects", "codebuild:CreateProject", "codebuild:DeleteProject", "codebuild:UpdateProject",
          "codepipeline:CreatePipeline", "codepipeline:DeletePipeline", "codepipeline:GetPipeline",
          "codepipeline:ListTagsForResource", "codepipeline:TagResource", "codepipeline:UntagResource",
          "codepipeline:UpdatePipeline",
        ]
        Resource = [
          "arn:${local.partition}:codebuild:${local.here}:project/${local.prefix}-*",
          "arn:${local.partition}:codepipeline:${local.here}:${local.prefix}-*",
        ]
      },
      {
        # A connection's ARN holds an id and no name.
        Sid    = "Connections"
        Effect = "Allow"
        Action = [
          "codeconnections:CreateConnection", "codeconnections:DeleteConnection", "codeconnections:GetConnection",
          "codeconnections:ListTagsForResource", "codeconnections:PassConnection", "codeconnections:TagResource",
          "codeconnections:UntagResource",
        ]
        Resource = "arn:${local.partition}:codeconnections:${local.here}:connection/*"
      },
    ]

    roles = [
      {
        Sid    = "Roles"
        Effect = "Allow"
        Action = [
          "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
          "iam:DeleteRole", "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListPolicyTags",
          "iam:ListPolicyVersions", "iam:ListRolePolicies", "iam:ListRoleTags", "iam:SetDefaultPolicyVersion",
          "iam:TagPolicy", "iam:TagRole", "iam:UntagPolicy", "iam:UntagRole", "iam:UpdateAssumeRolePolicy",
          "iam:UpdateRole", "iam:UpdateRoleDescription",
        ]
        Resource = ["${local.iam}:role/${local.prefix}-*", "${local.iam}:policy/${local.prefix}-*"]
      },
      {
        # The boundary limits the policies that the deployment role can give to the roles that it creates.
        Sid    = "BoundedRoles"
        Effect = "Allow"
        Action = [
          "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy",
          "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
        ]
        Resource  = "${local.iam}:role/${local.prefix}-*"
        Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary_arn } }
      },
      {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = "${local.iam}:role/${local.prefix}-*"
        Condition = {
          StringEquals = {
            "iam:PassedToService" = [for service in ["codebuild", "codepipeline", "lambda", "states"] : "${service}.amazonaws.com"]
          }
        }
      },
      {
        # AWS names this role; the account's first API creates it.
        Sid       = "ServiceLinkedRole"
        Effect    = "Allow"
        Action    = "iam:CreateServiceLinkedRole"
        Resource  = "${local.iam}:role/aws-service-role/*"
        Condition = { StringEquals = { "iam:AWSServiceName" = "ops.apigateway.amazonaws.com" } }
      },
      {
        # Otherwise the role could extend its own policies, or the boundary.
        Sid    = "NotItsOwn"
        Effect = "Deny"
        Action = [
          "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:Put*", "iam:Set*", "iam:Tag*", "iam:Untag*",
          "iam:Update*",
        ]
        Resource = ["${local.iam}:role/${local.own}-*", "${local.iam}:policy/${local.own}-*"]
      },
    ]
  }

  deployers = concat(
    var.github_repository == null ? [] : [{
      Sid       = "Workflows"
      Effect    = "Allow"
      Principal = { Federated = local.github_provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = { "${local.github_host}:aud" = "sts.amazonaws.com" }
        StringLike   = { "${local.github_host}:sub" = [for subject in var.github_subjects : "repo:${var.github_repository}:${subject}"] }
      }
    }],
    var.codebuild_deploys ? [local.build_trusts.apply] : [],
  )
}

resource "aws_iam_role" "deploy" {
  count = length(local.deployers) > 0 ? 1 : 0

  name        = "${local.own}-deploy"
  description = "Pushes the image of ${local.prefix} and applies its Terraform configuration."

  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = local.deployers
  })
}

resource "aws_iam_policy" "deploy" {
  for_each = { for name, statements in local.deploy_policies : name => statements if length(local.deployers) > 0 }

  name = "${local.own}-deploy-${each.key}"
  # IAM cannot change a policy's description: a new text would replace the policy of the deployment role.
  description = "What deploying ${local.prefix} takes: ${each.key}."

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = each.value
  })
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = aws_iam_policy.deploy

  role       = aws_iam_role.deploy[0].name
  policy_arn = each.value.arn
}
