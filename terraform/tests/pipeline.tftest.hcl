# Tests of the pipeline: its stages, its builds, its roles and its artifacts. They need no AWS account.

mock_provider "aws" {
  # Makes computed names known in the plan, so that no run applies.
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

run "only_tested_planned_and_approved_changes_are_applied" {
  command = plan

  assert {
    condition     = aws_codepipeline.delivery[0].name == "dofs-pipeline-dev" && aws_codepipeline.delivery[0].pipeline_type == "V2"
    error_message = "The pipeline must have its documented name and type V2, which has variables."
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
    error_message = "The stages must be source, test, image, plan, approval and apply, in this order."
  }

  assert {
    condition = {
      for stage in aws_codepipeline.delivery[0].stage :
      stage.name => stage.action[0].configuration.ProjectName if stage.action[0].provider == "CodeBuild"
      } == {
      Test = "dofs-test-dev", Image = "dofs-image-dev", Plan = "dofs-plan-dev", Apply = "dofs-apply-dev"
    }
    error_message = "Each stage must run its own build."
  }

  assert {
    condition = alltrue([
      for stage in aws_codepipeline.delivery[0].stage : jsondecode(stage.action[0].configuration.EnvironmentVariables) == concat(
        [{ name = "COMMIT", value = "#{Source.CommitId}", type = "PLAINTEXT" }],
        stage.name == "Image" ? [] : [{ name = "EXECUTION", value = "#{codepipeline.PipelineExecutionId}", type = "PLAINTEXT" }],
      ) if contains(["Image", "Plan", "Apply"], stage.name)
    ])
    error_message = "Image, plan and apply must use the same commit, and plan and apply the same execution's plan."
  }

  assert {
    condition = [
      for stage in aws_codepipeline.delivery[0].stage :
      join(" ", concat(stage.action[0].input_artifacts, [stage.name], stage.action[0].output_artifacts))
    ] == ["Source source", "source Test", "source Image", "source Plan", "Approval", "source Apply"]
    error_message = "Only the source may be an artifact: a plan contains sensitive values."
  }

  assert {
    condition = (
      aws_codepipeline.delivery[0].stage[0].action[0].configuration.FullRepositoryId == "example/dofs" &&
      aws_codepipeline.delivery[0].stage[0].action[0].configuration.BranchName == "main" &&
      aws_codepipeline.delivery[0].stage[0].action[0].namespace == "Source"
    )
    error_message = "The source must be this repository and branch, with a namespace for its commit."
  }

  assert {
    condition = (
      aws_codeconnections_connection.github[0].name == "dofs-github-dev" && aws_codeconnections_connection.github[0].provider_type == "GitHub" &&
      aws_codepipeline.delivery[0].stage[0].action[0].configuration.ConnectionArn == aws_codeconnections_connection.github[0].arn
    )
    error_message = "The pipeline must create a connection to GitHub and use it."
  }

  assert {
    condition     = aws_codepipeline.delivery[0].stage[4].action[0].configuration.NotificationArn == aws_sns_topic.alarms.arn
    error_message = "The approval must notify the topic."
  }
}

run "each_build_has_its_own_buildspec_role_and_log" {
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
    error_message = "Each build must have its own name, buildspec, role and log group."
  }

  assert {
    condition     = [for build, project in aws_codebuild_project.pipeline : build if project.environment[0].privileged_mode] == ["image"]
    error_message = "Only the image build may run privileged, for Docker."
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
    error_message = "Each build must have exactly these variables."
  }
}

run "image_is_built_for_the_functions_architecture" {
  command = plan

  variables {
    lambda_architecture = "arm64"
  }

  assert {
    condition = contains([for variable in aws_codebuild_project.pipeline["image"].environment[0].environment_variable :
      "${variable.name}=${variable.value}"
    ], "PLATFORM=linux/arm64")
    error_message = "PLATFORM must be the function's architecture."
  }
}

run "pipeline_roles_have_least_privilege" {
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
    error_message = "A role must trust only this account's project or pipeline with this exact name."
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
    error_message = "The test build runs code that nobody has approved, so it may only read the source and write its log."
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
    error_message = "The pipeline may only fetch the source, start its builds and ask for approval."
  }
}

run "customer_key_is_used_only_for_the_topic_and_logs" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:ap-south-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = { for name, policy in aws_iam_role_policy.pipeline : name => [
      for statement in jsondecode(policy.policy).Statement : [statement.Action, statement.Resource] if strcontains(join(" ", statement.Action), "kms:")
    ] } == { test = [], delivery = [[["kms:Decrypt", "kms:GenerateDataKey"], [var.kms_key_arn]]] }
    error_message = "Only the pipeline's role may use the key."
  }

  assert {
    condition     = alltrue([for log in aws_cloudwatch_log_group.builds : log.kms_key_id == var.kms_key_arn])
    error_message = "The logs of builds must be encrypted with the key."
  }
}

run "given_connection_is_used_and_none_created" {
  command = plan

  variables {
    codeconnection_arn = "arn:aws:codeconnections:ap-south-1:123456789012:connection/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = length(aws_codeconnections_connection.github) == 0
    error_message = "With codeconnection_arn, no connection must be created."
  }

  assert {
    condition     = aws_codepipeline.delivery[0].stage[0].action[0].configuration.ConnectionArn == var.codeconnection_arn
    error_message = "The source must use the given connection."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.pipeline["delivery"].policy).Statement : statement.Resource
      if contains(statement.Action, "codeconnections:UseConnection")
    ] == [[var.codeconnection_arn]]
    error_message = "The pipeline's role may use the given connection and no other."
  }
}

run "source_artifacts_are_private_encrypted_and_expire" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket.artifacts[0].bucket == "dofs-pipeline-dev-123456789012" &&
      one(aws_codepipeline.delivery[0].artifact_store).location == aws_s3_bucket.artifacts[0].bucket
    )
    error_message = "The pipeline must store artifacts in its bucket."
  }

  assert {
    condition     = one(aws_s3_bucket_server_side_encryption_configuration.artifacts[0].rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "The bucket must be encrypted with KMS."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.artifacts[0].block_public_acls,
      aws_s3_bucket_public_access_block.artifacts[0].block_public_policy,
      aws_s3_bucket_public_access_block.artifacts[0].ignore_public_acls,
      aws_s3_bucket_public_access_block.artifacts[0].restrict_public_buckets,
    ])
    error_message = "The bucket must block all public access."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.artifacts[0].rule :
      [rule.status, rule.expiration[0].days, rule.abort_incomplete_multipart_upload[0].days_after_initiation]
    ] == [["Enabled", 14, 7]]
    error_message = "Artifacts must expire after 14 days, and incomplete uploads after 7."
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
    error_message = "The bucket's policy must only deny requests without TLS."
  }
}
