# An optional CodePipeline, an alternative to the GitHub workflows: source, tests, image, plan, approval, apply. builds.tf
# has its builds, buildspecs/ their commands, and artifacts.tf the bucket between them.
#
# Before the first run:
# 1. Apply bootstrap/ with codebuild_deploys = true. It creates the permissions boundary and the roles that build the image,
#    plan and deploy.
# 2. Store the settings beside the state: aws s3 cp terraform.tfvars s3://STATE-BUCKET/PROJECT/ENVIRONMENT.tfvars
# 3. Authorize the connection in the AWS console, under Developer Tools, Connections; until then it is PENDING. Or set
#    codeconnection_arn to a connection that is authorized.

locals {
  pipeline = {
    name       = "${local.prefix}-pipeline-${local.suffix}"
    connection = "${local.prefix}-github-${local.suffix}"
    artifacts  = "${local.prefix}-pipeline-${local.suffix}-${local.account}"
  }

  connection_arn = var.codeconnection_arn != null ? var.codeconnection_arn : one(aws_codeconnections_connection.github[*].arn)

  # Only the source passes between stages. A later stage finds the image by the commit, and the plan by the commit and the
  # execution: another execution may plan the same commit before this one is approved.
  commit = jsonencode([{ name = "COMMIT", value = "#{Source.CommitId}", type = "PLAINTEXT" }])
  execution = jsonencode([
    { name = "COMMIT", value = "#{Source.CommitId}", type = "PLAINTEXT" },
    { name = "EXECUTION", value = "#{codepipeline.PipelineExecutionId}", type = "PLAINTEXT" },
  ])
}

resource "aws_codeconnections_connection" "github" {
  count = var.deploy_cicd_pipeline && var.codeconnection_arn == null ? 1 : 0

  name          = local.pipeline.connection
  provider_type = "GitHub"
}

resource "aws_codepipeline" "delivery" {
  # checkov:skip=CKV_AWS_219: an artifact is a copy of a commit, encrypted with the AWS managed key for S3
  count = var.deploy_cicd_pipeline ? 1 : 0

  name          = local.pipeline.name
  pipeline_type = "V2"
  role_arn      = aws_iam_role.pipeline["delivery"].arn

  artifact_store {
    type     = "S3"
    location = aws_s3_bucket.artifacts[0].bucket
  }

  dynamic "stage" {
    for_each = [
      {
        name     = "Source"
        category = "Source"
        provider = "CodeStarSourceConnection" # CodePipeline's name for CodeConnections
        settings = {
          ConnectionArn    = local.connection_arn
          FullRepositoryId = trimprefix(var.github_repo_url, "https://github.com/")
          BranchName       = "main"
        }
      },
      { name = "Test", category = "Test", provider = "CodeBuild", settings = { ProjectName = aws_codebuild_project.pipeline["test"].name } },
      {
        name     = "Image"
        category = "Build"
        provider = "CodeBuild"
        settings = { ProjectName = aws_codebuild_project.pipeline["image"].name, EnvironmentVariables = local.commit }
      },
      {
        name     = "Plan"
        category = "Build"
        provider = "CodeBuild"
        settings = { ProjectName = aws_codebuild_project.pipeline["plan"].name, EnvironmentVariables = local.execution }
      },
      {
        name     = "Approval"
        category = "Approval"
        provider = "Manual"
        settings = {
          CustomData      = "Apply the plan of #{Source.CommitId} to ${local.suffix}? ${local.builds.plan.name} printed it."
          NotificationArn = aws_sns_topic.alarms.arn
        }
      },
      {
        name     = "Apply"
        category = "Build"
        provider = "CodeBuild"
        settings = { ProjectName = aws_codebuild_project.pipeline["apply"].name, EnvironmentVariables = local.execution }
      },
    ]

    content {
      name = stage.value.name

      action {
        name             = stage.value.name
        namespace        = stage.value.category == "Source" ? "Source" : null
        category         = stage.value.category
        owner            = "AWS"
        provider         = stage.value.provider
        version          = "1"
        input_artifacts  = stage.value.provider == "CodeBuild" ? ["source"] : []
        output_artifacts = stage.value.category == "Source" ? ["source"] : []
        configuration    = stage.value.settings
      }
    }
  }

  depends_on = [aws_iam_role_policy.pipeline]
}

resource "aws_iam_role" "pipeline" {
  for_each = var.deploy_cicd_pipeline ? {
    test     = { service = "codebuild", source = "project/${local.builds.test.name}" }
    delivery = { service = "codepipeline", source = local.pipeline.name }
  } : {}

  name                 = "${local.prefix}-${each.value.service}-role-${local.suffix}"
  description          = "Role of the pipeline of ${var.github_repo_url}."
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "${each.value.service}.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = "${local.arn}:${each.value.service}:${local.region}:${local.account}:${each.value.source}" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  for_each = aws_iam_role.pipeline

  name = "${local.prefix}-${each.key}-policy-${local.suffix}"
  role = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for statement in each.key == "test" ? [
        [["s3:GetObject", "s3:GetObjectVersion"], ["${aws_s3_bucket.artifacts[0].arn}/*"]],
        [["logs:CreateLogStream", "logs:PutLogEvents"], ["${aws_cloudwatch_log_group.builds["test"].arn}:*"]],
        ] : [
        [["s3:GetBucketVersioning", "s3:ListBucket"], [aws_s3_bucket.artifacts[0].arn]],
        [["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], ["${aws_s3_bucket.artifacts[0].arn}/*"]],
        [["codebuild:BatchGetBuilds", "codebuild:StartBuild"], values(aws_codebuild_project.pipeline)[*].arn],
        [["codeconnections:UseConnection"], [local.connection_arn]],
        [["sns:Publish"], [aws_sns_topic.alarms.arn]],
        [["kms:Decrypt", "kms:GenerateDataKey"], var.kms_key_arn[*]], # encrypts the topic
      ] :
      { Effect = "Allow", Action = statement[0], Resource = statement[1] } if length(statement[1]) > 0
    ]
  })
}
