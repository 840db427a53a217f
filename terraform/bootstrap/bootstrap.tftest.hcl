# Tests of the state bucket, the image repository, the roles and their trust policies. They need no AWS account.

mock_provider "aws" {
  # Makes computed names known in the plan, so that no run applies: Terraform cannot destroy a bucket with
  # prevent_destroy.
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
  }
}

run "state_bucket_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = output.state_bucket == "dofs-terraform-state-123456789012"
    error_message = "The bucket's name must contain the project's name and the account ID."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls,
      aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls,
      aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "The bucket must block all public access."
  }

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "The bucket must keep old versions of a state."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "The bucket must encrypt states."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : [
      rule.noncurrent_version_expiration[0].noncurrent_days, rule.noncurrent_version_expiration[0].newer_noncurrent_versions
    ] if rule.id == "old-versions"] == [[90, 10]]
    error_message = "Old versions must expire after 90 days, except the newest ten."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : [
      rule.filter[0].prefix, rule.expiration[0].days, rule.noncurrent_version_expiration[0].noncurrent_days
    ] if rule.id == "plans"] == [["dofs/plans/", 14, 1]]
    error_message = "Plans must expire after 14 days, and their old versions after one more."
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement :
      [statement.Effect, statement.Principal, statement.Action, statement.Condition.Bool["aws:SecureTransport"]]
    ] == [["Deny", "*", "s3:*", "false"]]
    error_message = "The bucket must deny requests without TLS."
  }

  assert {
    condition     = strcontains(output.backend_conf, "use_lockfile = true") && strcontains(output.backend_conf, "\"dofs-terraform-state-123456789012\"") && !strcontains(output.backend_conf, "dynamodb")
    error_message = "backend.conf must name the bucket and use a lock file."
  }
}

run "images_are_immutable_and_kept_by_count" {
  command = plan

  variables {
    images_kept = 20
  }

  assert {
    condition     = aws_ecr_repository.images.name == "dofs" && aws_ecr_repository.images.image_tag_mutability == "IMMUTABLE"
    error_message = "Image tags must be immutable."
  }

  assert {
    condition     = aws_ecr_repository.images.image_scanning_configuration[0].scan_on_push
    error_message = "Images must be scanned when they are pushed."
  }

  assert {
    condition     = aws_ecr_repository.images.encryption_configuration[0].encryption_type == "KMS"
    error_message = "Images must be encrypted."
  }

  assert {
    condition = [for rule in jsondecode(aws_ecr_lifecycle_policy.images.policy).rules : rule.selection] == [
      { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
    ]
    error_message = "No rule may delete images by age: it could delete the deployed image."
  }

  assert {
    condition = [for statement in jsondecode(aws_ecr_repository_policy.images.policy).Statement :
      [statement.Principal.Service, statement.Condition.ArnLike["aws:SourceArn"]]
    ] == [["lambda.amazonaws.com", "arn:aws:lambda:ap-south-1:123456789012:function:*"]]
    error_message = "Only Lambda functions of this account may pull images."
  }
}

run "no_github_resources_without_a_github_repository" {
  command = plan

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && length(aws_iam_role.deploy) == 0
    error_message = "There must be no OIDC provider and no deployment role."
  }

  assert {
    condition     = length(aws_iam_policy.deploy) == 0 && output.deploy_role_arn == null
    error_message = "There must be no deployment policy and no role ARN."
  }
}

run "image_repository_has_the_project_name" {
  command = plan

  variables {
    project_name      = "shop"
    github_repository = "octocat/dofs"
  }

  assert {
    condition     = aws_ecr_repository.images.name == "shop"
    error_message = "The default name must be the project's name: pipelines look for the repository by that name."
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["release"].policy, ":repository/shop\"")
    error_message = "The deployment role must be able to push to the repository."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.deploy["release"].policy, "dynamodb")
    error_message = "Without state_lock_table, no permission for DynamoDB is needed."
  }
}

run "deployment_role_can_use_the_lock_table" {
  command = plan

  variables {
    github_repository = "octocat/dofs"
    state_lock_table  = "locks"
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.deploy["release"].policy).Statement : statement if statement.Sid == "LockTable"
      ] == [{
        Sid      = "LockTable"
        Effect   = "Allow"
        Action   = ["dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem"]
        Resource = "arn:aws:dynamodb:ap-south-1:123456789012:table/locks"
    }]
    error_message = "Terraform must be able to write, read and delete locks in the table."
  }
}

run "only_main_and_environments_can_deploy" {
  command = plan

  variables {
    github_repository = "octocat@1/dofs@2"
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "The provider must be GitHub's, for tokens whose audience is AWS."
  }

  assert {
    condition = jsondecode(aws_iam_role.deploy[0].assume_role_policy).Statement == [{
      Sid       = "Workflows"
      Effect    = "Allow"
      Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
        StringLike = {
          "token.actions.githubusercontent.com:sub" = [
            "repo:octocat@1/dofs@2:ref:refs/heads/main",
            "repo:octocat@1/dofs@2:environment:dev",
          ]
        }
      }
    }]
    error_message = "The trust policy must name the audience, the repository and its allowed runs."
  }
}

run "existing_oidc_provider_is_used" {
  command = plan

  variables {
    github_repository           = "octocat/dofs"
    create_github_oidc_provider = false
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && length(aws_iam_role.deploy) == 1
    error_message = "The role must trust the existing provider."
  }
}

run "no_build_roles_without_the_pipeline" {
  command = plan

  variables {
    github_repository = "octocat/dofs"
  }

  assert {
    condition     = length(aws_iam_role.build) + length(aws_iam_role_policy.build) + length(aws_iam_role_policy_attachment.plan) == 0
    error_message = "There must be no roles for builds."
  }

  assert {
    condition     = !strcontains(aws_iam_role.deploy[0].assume_role_policy, "codebuild")
    error_message = "The deployment role must not trust CodeBuild."
  }
}

run "each_build_has_its_own_role" {
  command = plan

  variables {
    codebuild_deploys = true
  }

  assert {
    condition = alltrue([
      for build, trust in merge({ apply = aws_iam_role.deploy[0].assume_role_policy }, {
        for build, role in aws_iam_role.build : build => role.assume_role_policy
      }) :
      jsondecode(trust).Statement == [{
        Sid       = "Pipeline"
        Effect    = "Allow"
        Principal = { Service = "codebuild.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnEquals = {
            "aws:SourceArn" = [
              for environment in ["dev", "staging", "prod"] :
              "arn:aws:codebuild:ap-south-1:123456789012:project/dofs-${build}-${environment}"
            ]
          }
        }
      }]
    ])
    error_message = "A role must trust only this account's CodeBuild projects with these exact names."
  }

  assert {
    condition     = { for build, role in aws_iam_role.build : build => role.name } == { image = "dofs-bootstrap-image", plan = "dofs-bootstrap-plan" }
    error_message = "The names must start with dofs-bootstrap-: the pipeline looks for them, and the deployment role cannot change them."
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.build["image"].policy).Statement :
      statement.Sid => [statement.Effect, statement.Action, statement.Resource]
      } == {
      RegistryLogin = ["Allow", "ecr:GetAuthorizationToken", "*"]
      Push = [
        "Allow",
        [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ],
        "arn:aws:ecr:ap-south-1:123456789012:repository/dofs",
      ]
      Source = ["Allow", ["s3:GetObject", "s3:GetObjectVersion"], "arn:aws:s3:::dofs-pipeline-*/*"]
      Log = [
        "Allow", ["logs:CreateLogStream", "logs:PutLogEvents"],
        "arn:aws:logs:ap-south-1:123456789012:log-group:/aws/codebuild/dofs-image-*",
      ]
    }
    error_message = "The image build may only push to one repository, read the source and write its log."
  }
}

run "plan_role_is_read_only" {
  command = plan

  variables {
    codebuild_deploys = true
    kms_key_arn       = "arn:aws:kms:ap-south-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.plan) == keys(aws_iam_policy.deploy)
    error_message = "The plan role must have every deployment policy, because a plan reads every resource."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.build["plan"].policy).Statement :
      [statement.Effect, try(statement.Resource, ""), try(statement.Action, []), try(statement.NotResource, [])]
      ] == [
      ["Deny", "*", [], []],
      [
        "Deny", "", ["logs:CreateLogStream", "logs:PutLogEvents", "s3:DeleteObject", "s3:PutObject"],
        [
          "arn:aws:logs:ap-south-1:123456789012:log-group:/aws/codebuild/dofs-plan-*",
          "arn:aws:s3:::dofs-terraform-state-123456789012/dofs/*.tflock",
          "arn:aws:s3:::dofs-terraform-state-123456789012/dofs/plans/*",
        ]
      ],
    ]
    error_message = "The plan role may write only the lock, the plan and its log."
  }

  assert {
    condition = alltrue([
      for action in jsondecode(aws_iam_role_policy.build["plan"].policy).Statement[0].NotAction :
      contains(["logs:CreateLogStream", "logs:PutLogEvents", "s3:DeleteObject", "s3:PutObject"], action) ||
      can(regex("^[a-z0-9-]+:(BatchGet[A-Za-z]+|Decrypt|Describe[A-Za-z]+|GET|Get[A-Za-z]*[*]?|List[A-Za-z]+|Validate[A-Za-z]+)$", action))
    ])
    error_message = "Actions that are not denied must be read-only."
  }

  assert {
    condition = length(setsubtract([
      "apigateway:GET", "cloudwatch:DescribeAlarms", "codebuild:BatchGetProjects", "codepipeline:GetPipeline",
      "dynamodb:DescribeTable", "ecr:DescribeImages", "events:DescribeRule", "iam:GetRole", "iam:ListRolePolicies",
      "kms:Decrypt", "lambda:Get*", "logs:DescribeLogGroups", "s3:GetObject", "s3:ListBucket", "secretsmanager:DescribeSecret",
      "secretsmanager:GetResourcePolicy", "sns:GetTopicAttributes",
      "sqs:GetQueueAttributes", "states:DescribeStateMachine", "states:ValidateStateMachineDefinition",
      "wafv2:GetWebACL",
    ], jsondecode(aws_iam_role_policy.build["plan"].policy).Statement[0].NotAction)) == 0
    error_message = "The plan role must be able to read every service of the deployment."
  }
}

run "deployment_role_cannot_extend_its_permissions" {
  command = plan

  variables {
    github_repository = "octocat/dofs"
    kms_key_arn       = "arn:aws:kms:ap-south-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition = alltrue([for policy in values(aws_iam_policy.deploy)[*].policy : alltrue([
      for statement in jsondecode(policy).Statement : !contains(flatten([statement.Action]), "*") && (
        statement.Effect == "Deny" || alltrue([for action in flatten([statement.Action]) : !endswith(action, ":*")])
      )
    ])])
    error_message = "No statement may allow all actions of a service."
  }

  assert {
    condition = alltrue([for policy in values(aws_iam_policy.deploy)[*].policy : alltrue([
      for statement in jsondecode(policy).Statement : !contains(flatten([statement.Resource]), "*") || contains(
        ["RegistryLogin", "EventSources", "WorkflowDefinitions", "LogQueries", "Subscriptions"], statement.Sid
      )
    ])])
    error_message = "Only actions without resource-level permissions may have the resource \"*\"."
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement :
      statement.Condition.StringEquals["iam:PermissionsBoundary"] == "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
      if anytrue([for action in flatten([statement.Action]) : contains(["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"], action)])
    ])
    error_message = "The deployment role may create or extend only roles with the permissions boundary."
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement :
      length(statement.Condition.StringEquals["iam:PassedToService"]) > 0 && statement.Resource == "arn:aws:iam::123456789012:role/dofs-*"
      if contains(flatten([statement.Action]), "iam:PassRole")
    ])
    error_message = "The deployment role may pass only the project's roles, and only to the named services."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement : statement.Resource if statement.Effect == "Deny"] == [
      ["arn:aws:iam::123456789012:role/dofs-bootstrap-*", "arn:aws:iam::123456789012:policy/dofs-bootstrap-*"]
    ]
    error_message = "The deployment role must not change its own policies or the boundary."
  }

  assert {
    condition = alltrue([for policy in values(aws_iam_policy.deploy)[*].policy : !strcontains(policy, "SecretValue")]) && [
      for statement in jsondecode(aws_iam_policy.boundary.policy).Statement :
      [for resource in statement.Resource : resource if strcontains(resource, "secret")] if contains(flatten([statement.Action]), "secretsmanager:GetSecretValue")
    ] == [["arn:aws:secretsmanager:ap-south-1:123456789012:secret:dofs-*"]]
    error_message = "The deployment role must read and write no secret, and a role of the deployment may read only the project's."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.boundary.policy, "iam:") && !strcontains(aws_iam_policy.boundary.policy, "\"*:*\"")
    error_message = "The boundary must not allow any IAM action."
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.deploy)[*].policy, [aws_iam_policy.boundary.policy]) : length(policy) <= 6144])
    error_message = "A policy must have at most 6,144 characters, which is AWS's limit."
  }
}

run "api_gateway_account_settings_can_stay_unmanaged" {
  command = plan

  variables {
    manage_api_gateway_account = false
  }

  assert {
    condition     = length(aws_api_gateway_account.logs) + length(aws_iam_role.gateway_logs) + length(aws_iam_role_policy_attachment.gateway_logs) == 0
    error_message = "The configuration must not change the account's API Gateway settings."
  }
}

run "api_gateway_can_write_logs" {
  command = plan

  assert {
    condition     = aws_api_gateway_account.logs[0].cloudwatch_role_arn == aws_iam_role.gateway_logs[0].arn
    error_message = "API Gateway must have a role with which stages write logs."
  }

  assert {
    condition     = jsondecode(aws_iam_role.gateway_logs[0].assume_role_policy).Statement[0].Principal.Service == "apigateway.amazonaws.com"
    error_message = "The role must trust API Gateway."
  }
}

run "region_must_be_a_code" {
  command = plan

  variables {
    aws_region = "Mumbai"
  }

  expect_failures = [var.aws_region]
}

run "project_name_must_be_short_and_lower_case" {
  command = plan

  variables {
    project_name = "DOFS_orders"
  }

  expect_failures = [var.project_name]
}

run "old_states_must_be_kept_for_a_week" {
  command = plan

  variables {
    state_versions_days = 6
  }

  expect_failures = [var.state_versions_days]
}

run "image_repository_must_be_lower_case" {
  command = plan

  variables {
    ecr_repository = "DOFS"
  }

  expect_failures = [var.ecr_repository]
}

run "at_least_twenty_images_must_be_kept" {
  command = plan

  variables {
    images_kept = 19
  }

  expect_failures = [var.images_kept]
}

run "github_repository_must_not_be_a_pattern" {
  command = plan

  variables {
    github_repository = "octocat/*"
  }

  expect_failures = [var.github_repository]
}

run "github_ids_must_follow_both_names_or_neither" {
  command = plan

  variables {
    github_repository = "octocat@1/dofs"
  }

  expect_failures = [var.github_repository]
}

run "pull_requests_cannot_deploy" {
  command = plan

  variables {
    github_subjects = ["pull_request"]
  }

  expect_failures = [var.github_subjects]
}

run "subject_must_not_match_every_branch" {
  command = plan

  variables {
    github_subjects = ["ref:refs/heads/*"]
  }

  expect_failures = [var.github_subjects]
}

run "subject_must_not_match_every_run" {
  command = plan

  variables {
    github_subjects = ["*"]
  }

  expect_failures = [var.github_subjects]
}

run "at_least_one_subject_is_required" {
  command = plan

  variables {
    github_subjects = []
  }

  expect_failures = [var.github_subjects]
}

run "kms_key_must_be_an_arn" {
  command = plan

  variables {
    kms_key_arn = "alias/aws/s3"
  }

  expect_failures = [var.kms_key_arn]
}

run "lock_table_must_be_a_name" {
  command = plan

  variables {
    state_lock_table = "arn:aws:dynamodb:ap-south-1:123456789012:table/locks"
  }

  expect_failures = [var.state_lock_table]
}
