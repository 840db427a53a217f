# The builds of the pipeline in cicd.tf. What each may do is its role, what it does its file: a commit brings its own, so
# what runs before the approval runs with roles that change nothing of the deployment.

locals {
  # Whatever the settings say, it is this deployment: what stands here wins over them.
  deployment = {
    ENVIRONMENT     = local.suffix
    PROJECT_NAME    = local.prefix
    TF_STATE_BUCKET = "${local.prefix}-terraform-state-${local.account}"
  }

  image_repository = split("@", var.image_uri)[0]

  # A role that is named is bootstrap's.
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
  # checkov:skip=CKV_AWS_316: privileged is the one that builds the image, as said there
  # checkov:skip=CKV_AWS_147: an artifact is a copy of a commit, and encrypted with AWS's key for S3
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
    privileged_mode = each.key == "image" # Docker's engine runs in no other container

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
  # checkov:skip=CKV_AWS_158: encrypted by AWS unless var.kms_key_arn names a key; a key of one's own costs extra
  # checkov:skip=CKV_AWS_338: a state says what is deployed; how long logs are kept is var.log_retention_days
  for_each = { for name, build in local.builds : name => build.name if var.deploy_cicd_pipeline }

  name              = "/aws/codebuild/${each.value}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
