# The pipeline: its stages, what its builds run with, and where the source lies in between. Nothing here talks to AWS.

mock_provider "aws" {
  # Names become known in the plan, so that no run has to apply.
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "ap-south-1" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-south-1:123456789012:dofs-alarms-dev" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::dofs-pipeline-dev-123456789012" }
  }

  mock_resource "aws_codeconnections_connection" {
    defaults = { arn = "arn:aws:codeconnections:ap-south-1:123456789012:connection/created" }
  }
}

override_resource {
  target          = aws_cloudwatch_log_group.builds["test"]
  values          = { arn = "arn:aws:logs:ap-south-1:123456789012:log-group:/aws/codebuild/dofs-test-dev" }
  override_during = plan
}

override_resource {
  target          = aws_iam_role.pipeline["test"]
  values          = { arn = "arn:aws:iam::123456789012:role/dofs-codebuild-role-dev" }
  override_during = plan
}

override_resource {
  target          = aws_iam_role.pipeline["delivery"]
  values          = { arn = "arn:aws:iam::123456789012:role/dofs-codepipeline-role-dev" }
  override_during = plan
}

override_resource {
  target          = aws_codebuild_project.pipeline["test"]
  values          = { arn = "arn:aws:codebuild:ap-south-1:123456789012:project/dofs-test-dev" }
  override_during = plan
}

override_resource {
  target          = aws_codebuild_project.pipeline["image"]
  values          = { arn = "arn:aws:codebuild:ap-south-1:123456789012:project/dofs-image-dev" }
  override_during = plan
}

override_resource {
  target          = aws_codebuild_project.pipeline["plan"]
  values          = { arn = "arn:aws:codebuild:ap-south-1:123456789012:project/dofs-plan-dev" }
  override_during = plan
}

override_resource {
  target          = aws_codebuild_project.pipeline["apply"]
  values          = { arn = "arn:aws:codebuild:ap-south-1:123456789012:project/dofs-apply-dev" }
  override_during = plan
}

variables {
  image_uri                = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  notification_email       = "orders@example.com"
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
  deploy_cicd_pipeline     = true
  github_repo_url          = "https://github.com/example/dofs"
}

run "nothing_is_applied_that_was_not_tested_planned_and_approved" {
  command = plan

  assert {
    condition     = aws_codepipeline.delivery[0].name == "dofs-pipeline-dev" && aws_codepipeline.delivery[0].pipeline_type == "V2"
    error_message = "The pipeline is called otherwise, or has no variables."
  }

  assert {
    condition = [for stage in aws_codepipeline.delivery[0].stage : [
      stage.name, [for action in stage.action : "${action.category} by ${action.provider}"]
      ]] == [
      ["Source", ["Source by CodeStarSourceConnection"]],
      ["Test", ["Test by CodeBuild"]],
      ["Image", ["Build by CodeBuild"]],
      ["Plan", ["Build by CodeBuild"]],
      ["Approval", ["Approval by Manual"]],
      ["Apply", ["Build by CodeBuild"]],
    ]
    error_message = "The pipeline deploys without tests or a plan, or unasked."
  }

  assert {
    condition = {
      for stage in aws_codepipeline.delivery[0].stage :
      stage.name => stage.action[0].configuration.ProjectName if stage.action[0].provider == "CodeBuild"
      } == {
      Test = "dofs-test-dev", Image = "dofs-image-dev", Plan = "dofs-plan-dev", Apply = "dofs-apply-dev"
    }
    error_message = "A stage runs another's build."
  }

  assert {
    condition = alltrue([
      for stage in aws_codepipeline.delivery[0].stage : jsondecode(stage.action[0].configuration.EnvironmentVariables) == concat(
        [{ name = "COMMIT", value = "#{Source.CommitId}", type = "PLAINTEXT" }],
        stage.name == "Image" ? [] : [{ name = "EXECUTION", value = "#{codepipeline.PipelineExecutionId}", type = "PLAINTEXT" }],
      ) if contains(["Image", "Plan", "Apply"], stage.name)
    ])
    error_message = "What is planned is not what was built, or what is applied not what this execution planned."
  }

  assert {
    condition = [
      for stage in aws_codepipeline.delivery[0].stage :
      join(" ", concat(stage.action[0].input_artifacts, [stage.name], stage.action[0].output_artifacts))
    ] == ["Source source", "source Test", "source Image", "source Plan", "Approval", "source Apply"]
    error_message = "More than the source passes from stage to stage: a plan holds what is nobody's business."
  }

  assert {
    condition = (
      aws_codepipeline.delivery[0].stage[0].action[0].configuration.FullRepositoryId == "example/dofs" &&
      aws_codepipeline.delivery[0].stage[0].action[0].configuration.BranchName == "main" &&
      aws_codepipeline.delivery[0].stage[0].action[0].namespace == "Source"
    )
    error_message = "It builds another repository or branch, or does not say which commit."
  }

  assert {
    condition = (
      aws_codeconnections_connection.github[0].name == "dofs-github-dev" && aws_codeconnections_connection.github[0].provider_type == "GitHub" &&
      aws_codepipeline.delivery[0].stage[0].action[0].configuration.ConnectionArn == aws_codeconnections_connection.github[0].arn
    )
    error_message = "No connection is created, or the source comes by another."
  }

  assert {
    condition     = aws_codepipeline.delivery[0].stage[4].action[0].configuration.NotificationArn == aws_sns_topic.alarms.arn
    error_message = "Nobody is asked."
  }
}

run "each_build_has_its_file_its_role_and_its_log" {
  command = plan

  assert {
    condition = { for build, project in aws_codebuild_project.pipeline : build => [
      project.name, project.source[0].type, project.source[0].buildspec, project.service_role,
      project.logs_config[0].cloudwatch_logs[0].group_name,
      ] } == { for build, role in {
      test  = "dofs-codebuild-role-dev"
      image = "dofs-bootstrap-image"
      plan  = "dofs-bootstrap-plan"
      apply = "dofs-bootstrap-deploy"
      } : build => [
      "dofs-${build}-dev", "CODEPIPELINE", "terraform/buildspecs/${build}.yml",
      "arn:aws:iam::123456789012:role/${role}", "/aws/codebuild/dofs-${build}-dev",
    ] }
    error_message = "A build runs with another's role, or by other commands."
  }

  assert {
    condition     = [for build, project in aws_codebuild_project.pipeline : build if project.environment[0].privileged_mode] == ["image"]
    error_message = "Only what builds the image has Docker's engine."
  }

  assert {
    condition = { for build, project in aws_codebuild_project.pipeline : build => {
      for variable in project.environment[0].environment_variable : variable.name => variable.value
      } } == {
      test = {}
      image = {
        ENVIRONMENT        = "dev"
        NOTIFICATION_EMAIL = "orders@example.com"
        PLATFORM           = "linux/amd64"
        PROJECT_NAME       = "dofs"
        REPOSITORY         = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs"
        TF_STATE_BUCKET    = "dofs-terraform-state-123456789012"
      }
      plan = {
        ENVIRONMENT     = "dev"
        PROJECT_NAME    = "dofs"
        REPOSITORY      = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs"
        TF_STATE_BUCKET = "dofs-terraform-state-123456789012"
      }
      apply = {
        ENVIRONMENT     = "dev"
        PROJECT_NAME    = "dofs"
        TF_STATE_BUCKET = "dofs-terraform-state-123456789012"
      }
    }
    error_message = "A build is of another deployment, or knows what it does not need."
  }
}

run "the_image_is_built_for_the_functions_architecture" {
  command = plan

  variables {
    lambda_architecture = "arm64"
  }

  assert {
    condition = contains([for variable in aws_codebuild_project.pipeline["image"].environment[0].environment_variable :
      "${variable.name}=${variable.value}"
    ], "PLATFORM=linux/arm64")
    error_message = "Lambda cannot run it."
  }
}

run "its_roles_do_what_it_takes_and_no_more" {
  command = plan

  assert {
    condition = { for name, role in aws_iam_role.pipeline : name => [role.name, jsondecode(role.assume_role_policy).Statement] } == {
      for name, source in {
        test     = ["codebuild", "project/dofs-test-dev"]
        delivery = ["codepipeline", "dofs-pipeline-dev"]
        } : name => ["dofs-${source[0]}-role-dev", [{
          Effect    = "Allow"
          Principal = { Service = "${source[0]}.amazonaws.com" }
          Action    = "sts:AssumeRole"
          Condition = {
            StringEquals = { "aws:SourceAccount" = "123456789012" }
            ArnEquals    = { "aws:SourceArn" = "arn:aws:${source[0]}:ap-south-1:123456789012:${source[1]}" }
          }
      }]]
    }
    error_message = "A role is for this account's project or pipeline of that name, and nobody else."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.pipeline["test"].policy).Statement :
      [statement.Effect, statement.Action, statement.Resource]
      ] == [
      ["Allow", ["s3:GetObject", "s3:GetObjectVersion"], ["arn:aws:s3:::dofs-pipeline-dev-123456789012/*"]],
      [
        "Allow", ["logs:CreateLogStream", "logs:PutLogEvents"],
        ["arn:aws:logs:ap-south-1:123456789012:log-group:/aws/codebuild/dofs-test-dev:*"]
      ],
    ]
    error_message = "Tests are a commit's own code: they read the source and write their log."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.pipeline["delivery"].policy).Statement :
      [statement.Effect, statement.Action, statement.Resource]
      ] == [
      ["Allow", ["s3:GetBucketVersioning", "s3:ListBucket"], ["arn:aws:s3:::dofs-pipeline-dev-123456789012"]],
      [
        "Allow", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
        ["arn:aws:s3:::dofs-pipeline-dev-123456789012/*"]
      ],
      [
        "Allow", ["codebuild:BatchGetBuilds", "codebuild:StartBuild"],
        [for build in ["apply", "image", "plan", "test"] : "arn:aws:codebuild:ap-south-1:123456789012:project/dofs-${build}-dev"]
      ],
      ["Allow", ["codeconnections:UseConnection"], ["arn:aws:codeconnections:ap-south-1:123456789012:connection/created"]],
      ["Allow", ["sns:Publish"], ["arn:aws:sns:ap-south-1:123456789012:dofs-alarms-dev"]],
    ]
    error_message = "The pipeline fetches the source, starts its builds and asks, and no more."
  }
}

run "a_key_of_ones_own_is_used_for_the_topic_alone" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-south-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = { for name, policy in aws_iam_role_policy.pipeline : name => [
      for statement in jsondecode(policy.policy).Statement : [statement.Action, statement.Resource] if strcontains(join(" ", statement.Action), "kms:")
    ] } == { test = [], delivery = [[["kms:Decrypt", "kms:GenerateDataKey"], [var.kms_key_arn]]] }
    error_message = "Who asks cannot publish, or the tests can decrypt."
  }

  assert {
    condition     = alltrue([for log in aws_cloudwatch_log_group.builds : log.kms_key_id == var.kms_key_arn])
    error_message = "A build's log is encrypted otherwise."
  }
}

run "a_connection_that_is_given_is_used_and_none_created" {
  command = plan

  variables {
    codeconnection_arn = "arn:aws:codeconnections:ap-south-1:123456789012:connection/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = length(aws_codeconnections_connection.github) == 0
    error_message = "A second connection would wait for its authorization for ever."
  }

  assert {
    condition     = aws_codepipeline.delivery[0].stage[0].action[0].configuration.ConnectionArn == var.codeconnection_arn
    error_message = "The source comes by another connection."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.pipeline["delivery"].policy).Statement : statement.Resource
      if contains(statement.Action, "codeconnections:UseConnection")
    ] == [[var.codeconnection_arn]]
    error_message = "The pipeline may not use it, or may use another."
  }
}

run "the_source_lies_encrypted_and_private_and_not_for_long" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket.artifacts[0].bucket == "dofs-pipeline-dev-123456789012" &&
      one(aws_codepipeline.delivery[0].artifact_store).location == aws_s3_bucket.artifacts[0].bucket
    )
    error_message = "The source lies elsewhere."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.artifacts[0].rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "It is not encrypted."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.artifacts[0].block_public_acls,
      aws_s3_bucket_public_access_block.artifacts[0].block_public_policy,
      aws_s3_bucket_public_access_block.artifacts[0].ignore_public_acls,
      aws_s3_bucket_public_access_block.artifacts[0].restrict_public_buckets,
    ])
    error_message = "Something could make it public."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.artifacts[0].rule :
      [rule.status, rule.expiration[0].days, rule.abort_incomplete_multipart_upload[0].days_after_initiation]
    ] == [["Enabled", 14, 7]]
    error_message = "It stays for ever, or is gone before the approval."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.artifacts[0].policy).Statement == [{
      Sid       = "EncryptedTransportOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::dofs-pipeline-dev-123456789012", "arn:aws:s3:::dofs-pipeline-dev-123456789012/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "It can be had without TLS, or the policy allows something."
  }
}
