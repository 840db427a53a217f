# What the deployments, and whoever may deploy, rely on. Nothing here talks to AWS.

mock_provider "aws" {
  # Names become known in the plan, so that no run has to apply; a bucket with prevent_destroy could not be taken away.
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

run "the_state_is_private_versioned_and_encrypted" {
  command = plan

  assert {
    condition     = output.state_bucket == "dofs-terraform-state-123456789012"
    error_message = "The bucket is named after the project and the account."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls,
      aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls,
      aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "Nothing makes the bucket public."
  }

  assert {
    condition     = aws_s3_bucket_versioning.state.versioning_configuration[0].status == "Enabled"
    error_message = "A state that was overwritten can be had back."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "States are encrypted."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : [
      rule.noncurrent_version_expiration[0].noncurrent_days, rule.noncurrent_version_expiration[0].newer_noncurrent_versions
    ] if rule.id == "old-versions"] == [[90, 10]]
    error_message = "Old versions end, and not the last ten."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : [
      rule.filter[0].prefix, rule.expiration[0].days, rule.noncurrent_version_expiration[0].noncurrent_days
    ] if rule.id == "plans"] == [["dofs/plans/", 14, 1]]
    error_message = "Plans end after two weeks, and their old versions with them."
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement :
      [statement.Effect, statement.Principal, statement.Action, statement.Condition.Bool["aws:SecureTransport"]]
    ] == [["Deny", "*", "s3:*", "false"]]
    error_message = "Only TLS reaches the bucket."
  }

  assert {
    condition     = strcontains(output.backend_conf, "use_lockfile = true") && strcontains(output.backend_conf, "\"dofs-terraform-state-123456789012\"") && !strcontains(output.backend_conf, "dynamodb")
    error_message = "backend.conf names the bucket, and locks by a file."
  }
}

run "images_are_immutable_and_kept_by_count" {
  command = plan

  variables {
    images_kept = 20
  }

  assert {
    condition     = aws_ecr_repository.images.name == "dofs" && aws_ecr_repository.images.image_tag_mutability == "IMMUTABLE"
    error_message = "A tag is never moved."
  }

  assert {
    condition     = aws_ecr_repository.images.image_scanning_configuration[0].scan_on_push
    error_message = "Images are scanned."
  }

  assert {
    condition     = aws_ecr_repository.images.encryption_configuration[0].encryption_type == "KMS"
    error_message = "Images are encrypted."
  }

  assert {
    condition = [for rule in jsondecode(aws_ecr_lifecycle_policy.images.policy).rules : rule.selection] == [
      { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 20 }
    ]
    error_message = "No rule may delete by age: it could delete the digest that is deployed."
  }

  assert {
    condition = [for statement in jsondecode(aws_ecr_repository_policy.images.policy).Statement :
      [statement.Principal.Service, statement.Condition.ArnLike["aws:SourceArn"]]
    ] == [["lambda.amazonaws.com", "arn:aws:lambda:ap-south-1:123456789012:function:*"]]
    error_message = "Functions of this account can pull, and nothing else."
  }
}

run "without_a_repository_there_is_nothing_of_github" {
  command = plan

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && length(aws_iam_role.deploy) == 0
    error_message = "Neither provider nor role."
  }

  assert {
    condition     = length(aws_iam_policy.deploy) == 0 && output.deploy_role_arn == null
    error_message = "Neither permissions nor an ARN."
  }
}

run "images_are_where_pipelines_look_for_them" {
  command = plan

  variables {
    project_name      = "shop"
    github_repository = "octocat/dofs"
  }

  assert {
    condition     = aws_ecr_repository.images.name == "shop"
    error_message = "A pipeline knows the project's name, and not what bootstrap was told."
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["release"].policy, ":repository/shop\"")
    error_message = "Who deploys pushes to it."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.deploy["release"].policy, "dynamodb")
    error_message = "States are locked by a file."
  }
}

run "a_table_of_locks_can_be_used_by_who_deploys" {
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
    error_message = "Terraform writes, reads and deletes locks in it."
  }
}

run "only_the_repositorys_main_branch_and_environments_deploy" {
  command = plan

  variables {
    github_repository = "octocat@1/dofs@2"
  }

  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com" && aws_iam_openid_connect_provider.github[0].client_id_list == toset(["sts.amazonaws.com"])
    error_message = "The provider is GitHub's, for tokens that are meant for AWS."
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
    error_message = "The trust policy names the audience, the repository, and which of its runs."
  }
}

run "an_accounts_provider_is_used_when_it_has_one" {
  command = plan

  variables {
    github_repository           = "octocat/dofs"
    create_github_oidc_provider = false
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0 && length(aws_iam_role.deploy) == 1
    error_message = "The role trusts the provider that exists."
  }
}

run "without_the_pipeline_there_is_nothing_of_it" {
  command = plan

  variables {
    github_repository = "octocat/dofs"
  }

  assert {
    condition     = length(aws_iam_role.build) + length(aws_iam_role_policy.build) + length(aws_iam_role_policy_attachment.plan) == 0
    error_message = "Its builds have no roles."
  }

  assert {
    condition     = !strcontains(aws_iam_role.deploy[0].assume_role_policy, "codebuild")
    error_message = "No build deploys."
  }
}

run "the_pipelines_builds_have_a_role_each" {
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
    error_message = "A role is for this account's project of that whole name, and nobody else."
  }

  assert {
    condition     = { for build, role in aws_iam_role.build : build => role.name } == { image = "dofs-bootstrap-image", plan = "dofs-bootstrap-plan" }
    error_message = "Who deploys could change a role that is called otherwise, and the pipeline would not find it."
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
    error_message = "The build with Docker pushes to one repository, reads the source and writes its log, and no more."
  }
}

run "who_plans_changes_nothing" {
  command = plan

  variables {
    codebuild_deploys = true
    kms_key_arn       = "arn:aws:kms:ap-south-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.plan) == keys(aws_iam_policy.deploy)
    error_message = "A plan that may not read all that is deployed ends in the middle."
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
    error_message = "It writes the lock, the plan and its log, and nowhere else."
  }

  assert {
    condition = alltrue([
      for action in jsondecode(aws_iam_role_policy.build["plan"].policy).Statement[0].NotAction :
      contains(["logs:CreateLogStream", "logs:PutLogEvents", "s3:DeleteObject", "s3:PutObject"], action) ||
      can(regex("^[a-z0-9-]+:(BatchGet[A-Za-z]+|Decrypt|Describe[A-Za-z]+|GET|Get[A-Za-z]*[*]?|List[A-Za-z]+|Validate[A-Za-z]+)$", action))
    ])
    error_message = "What is not denied reads."
  }

  assert {
    condition = length(setsubtract([
      "apigateway:GET", "cloudwatch:DescribeAlarms", "codebuild:BatchGetProjects", "codepipeline:GetPipeline",
      "dynamodb:DescribeTable", "ecr:DescribeImages", "events:DescribeRule", "iam:GetRole", "iam:ListRolePolicies",
      "kms:Decrypt", "lambda:Get*", "logs:DescribeLogGroups", "s3:GetObject", "s3:ListBucket", "sns:GetTopicAttributes",
      "sqs:GetQueueAttributes", "states:DescribeStateMachine", "states:ValidateStateMachineDefinition",
      "wafv2:GetWebACL",
    ], jsondecode(aws_iam_role_policy.build["plan"].policy).Statement[0].NotAction)) == 0
    error_message = "A plan reads every service that is deployed to."
  }
}

run "who_deploys_cannot_become_more" {
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
    error_message = "No statement allows all of a service."
  }

  assert {
    condition = alltrue([for policy in values(aws_iam_policy.deploy)[*].policy : alltrue([
      for statement in jsondecode(policy).Statement : !contains(flatten([statement.Resource]), "*") || contains(
        ["RegistryLogin", "EventSources", "WorkflowDefinitions", "LogQueries", "Subscriptions"], statement.Sid
      )
    ])])
    error_message = "Only what AWS knows no names for is allowed on everything."
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement :
      statement.Condition.StringEquals["iam:PermissionsBoundary"] == "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
      if anytrue([for action in flatten([statement.Action]) : contains(["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"], action)])
    ])
    error_message = "A role is made, or given anything, within the boundary only."
  }

  assert {
    condition = alltrue([for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement :
      length(statement.Condition.StringEquals["iam:PassedToService"]) > 0 && statement.Resource == "arn:aws:iam::123456789012:role/dofs-*"
      if contains(flatten([statement.Action]), "iam:PassRole")
    ])
    error_message = "Roles of the project are passed, and to services that are named."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.deploy["roles"].policy).Statement : statement.Resource if statement.Effect == "Deny"] == [
      ["arn:aws:iam::123456789012:role/dofs-bootstrap-*", "arn:aws:iam::123456789012:policy/dofs-bootstrap-*"]
    ]
    error_message = "The role cannot change what it may, nor the boundary."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.boundary.policy, "iam:") && !strcontains(aws_iam_policy.boundary.policy, "\"*:*\"")
    error_message = "Nothing within the boundary can touch IAM."
  }

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.deploy)[*].policy, [aws_iam_policy.boundary.policy]) : length(policy) <= 6144])
    error_message = "AWS takes a policy of 6,144 characters at most."
  }
}

run "the_gateways_role_for_logs_can_be_left_to_others" {
  command = plan

  variables {
    manage_api_gateway_account = false
  }

  assert {
    condition     = length(aws_api_gateway_account.logs) + length(aws_iam_role.gateway_logs) + length(aws_iam_role_policy_attachment.gateway_logs) == 0
    error_message = "An account has one such setting, and it is left alone."
  }
}

run "the_gateways_role_for_logs_is_set" {
  command = plan

  assert {
    condition     = aws_api_gateway_account.logs[0].cloudwatch_role_arn == aws_iam_role.gateway_logs[0].arn
    error_message = "Stages can write access logs."
  }

  assert {
    condition     = jsondecode(aws_iam_role.gateway_logs[0].assume_role_policy).Statement[0].Principal.Service == "apigateway.amazonaws.com"
    error_message = "The role is API Gateway's."
  }
}

run "a_region_is_a_code" {
  command = plan

  variables {
    aws_region = "Mumbai"
  }

  expect_failures = [var.aws_region]
}

run "a_project_name_is_short_and_plain" {
  command = plan

  variables {
    project_name = "DOFS_orders"
  }

  expect_failures = [var.project_name]
}

run "old_states_are_kept_for_a_week_at_least" {
  command = plan

  variables {
    state_versions_days = 6
  }

  expect_failures = [var.state_versions_days]
}

run "an_image_repository_is_lower_case" {
  command = plan

  variables {
    ecr_repository = "DOFS"
  }

  expect_failures = [var.ecr_repository]
}

run "twenty_images_are_kept_at_least" {
  command = plan

  variables {
    images_kept = 19
  }

  expect_failures = [var.images_kept]
}

run "a_repository_is_one_and_not_all_of_an_owners" {
  command = plan

  variables {
    github_repository = "octocat/*"
  }

  expect_failures = [var.github_repository]
}

run "identifiers_stand_at_both_names_or_at_none" {
  command = plan

  variables {
    github_repository = "octocat@1/dofs"
  }

  expect_failures = [var.github_repository]
}

run "pull_requests_do_not_deploy" {
  command = plan

  variables {
    github_subjects = ["pull_request"]
  }

  expect_failures = [var.github_subjects]
}

run "not_every_branch_deploys" {
  command = plan

  variables {
    github_subjects = ["ref:refs/heads/*"]
  }

  expect_failures = [var.github_subjects]
}

run "not_every_run_deploys" {
  command = plan

  variables {
    github_subjects = ["*"]
  }

  expect_failures = [var.github_subjects]
}

run "somebody_deploys" {
  command = plan

  variables {
    github_subjects = []
  }

  expect_failures = [var.github_subjects]
}

run "a_key_is_an_arn" {
  command = plan

  variables {
    kms_key_arn = "alias/aws/s3"
  }

  expect_failures = [var.kms_key_arn]
}

run "a_lock_table_is_a_name" {
  command = plan

  variables {
    state_lock_table = "arn:aws:dynamodb:ap-south-1:123456789012:table/locks"
  }

  expect_failures = [var.state_lock_table]
}
