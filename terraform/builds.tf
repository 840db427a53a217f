# The CodeBuild projects of the pipeline in cicd.tf. A role limits each build, and a buildspec holds its commands. The
# buildspecs come from the commit, so the roles of the builds before the approval cannot change the deployment.

locals {
  # These variables win over the settings file, so that a build always deploys this deployment.
  deployment = {
    ENVIRONMENT     = local.suffix
    PROJECT_NAME    = local.prefix
    TF_STATE_BUCKET = "${local.prefix}-terraform-state-${local.account}"
  }

  image_repository = split("@", var.image_uri)[0]

  # A named role is one of terraform/bootstrap's.
  builds = {
    test = {
      name      = "${local.prefix}-test-${local.suffix}"
      buildspec = "terraform/buildspecs/test.yml"
      role      = null
      variables = {}
    }
    image = {
      name      = "${local.prefix}-image-${local.suffix}"
      buildspec = "terraform/buildspecs/image.yml"
      role      = "image"
      variables = merge(local.deployment, {
        NOTIFICATION_EMAIL = var.notification_email
        PLATFORM           = { x86_64 = "linux/amd64", arm64 = "linux/arm64" }[var.lambda_architecture]
        REPOSITORY         = local.image_repository
      })
    }
    plan = {
      name      = "${local.prefix}-plan-${local.suffix}"
      buildspec = "terraform/buildspecs/plan.yml"
      role      = "plan"
      variables = merge(local.deployment, { REPOSITORY = local.image_repository })
    }
    apply = {
      name      = "${local.prefix}-apply-${local.suffix}"
      buildspec = "terraform/buildspecs/apply.yml"
      role      = "deploy"
      variables = local.deployment
    }
  }
}

resource "aws_codebuild_project" "pipeline" {
  # checkov:skip=CKV_AWS_316: only the image build is privileged; see privileged_mode
  # checkov:skip=CKV_AWS_147: an artifact is a copy of a commit, encrypted with the AWS managed key for S3
  for_each = var.deploy_cicd_pipeline ? local.builds : {}

  name          = each.value.name
  service_role  = each.value.role == null ? aws_iam_role.pipeline["test"].arn : "${local.iam}:role/${local.prefix}-bootstrap-${each.value.role}"
  build_timeout = 30

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_MEDIUM"
    image           = "aws/codebuild/standard:7.0"
    privileged_mode = each.key == "image" # the Docker engine needs it

    dynamic "environment_variable" {
      for_each = each.value.variables

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  source {
    type      = "CODEPIPELINE"
    buildspec = each.value.buildspec
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.builds[each.key].name
    }
  }
}

resource "aws_cloudwatch_log_group" "builds" {
  # checkov:skip=CKV_AWS_158: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV_AWS_338: the Terraform state records what is deployed; var.log_retention_days sets the retention
  for_each = { for name, build in local.builds : name => build.name if var.deploy_cicd_pipeline }

  name              = "/aws/codebuild/${each.value}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
