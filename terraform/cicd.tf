# A pipeline on AWS's own services, beside GitHub's workflows and off by default: source, tests, approval, deployment.
#
# Three things come first. bootstrap/ is applied with codebuild_deploys = true: it makes the role that deploys, and the
# boundary. The settings lie beside the state: aws s3 cp terraform.tfvars s3://STATE-BUCKET/PROJECT/ENVIRONMENT.tfvars.
# And the connection is authorized once, in AWS's console under Developer Tools, Connections: until then it is PENDING.

locals {
  pipeline = {
    name       = "${local.prefix}-pipeline-${local.suffix}"
    connection = "${local.prefix}-github-${local.suffix}"
    artifacts  = "${local.prefix}-pipeline-${local.suffix}-${local.account}"
    test       = "${local.prefix}-test-${local.suffix}"
    deploy     = "${local.prefix}-deploy-${local.suffix}"
  }

  build_scripts = {
    test = "make test"

    deploy = <<-EOT
      release=https://releases.hashicorp.com/terraform/1.11.4/terraform_1.11.4
      (cd /tmp && curl -fsSO "$${release}_linux_amd64.zip" -fsSO "$${release}_SHA256SUMS" \
        && sha256sum --check --ignore-missing terraform_1.11.4_SHA256SUMS \
        && unzip -oq terraform_1.11.4_linux_amd64.zip terraform -d /usr/local/bin)
      # Tags are immutable: a commit's image is built once, and found again when a deployment is repeated.
      digest() {
        aws ecr describe-images --repository-name "$${REPOSITORY#*/}" --image-ids "imageTag=$COMMIT" \
          --query 'imageDetails[0].imageDigest' --output text
      }
      if ! digest; then
        aws ecr get-login-password | docker login --username AWS --password-stdin "$${REPOSITORY%%/*}"
        make image IMAGE="$REPOSITORY:$COMMIT" PLATFORM="$PLATFORM" REVISION="$COMMIT" SOURCE="$SOURCE"
        docker push "$REPOSITORY:$COMMIT"
      fi
      image="$REPOSITORY@$(digest)"
      cd terraform
      aws s3 cp "s3://$STATE_BUCKET/$PROJECT/$ENVIRONMENT.tfvars" terraform.tfvars
      terraform init -input=false -backend-config="bucket=$STATE_BUCKET" -backend-config="key=$PROJECT/$ENVIRONMENT.tfstate" \
        -backend-config="region=$AWS_REGION" -backend-config=encrypt=true -backend-config=use_lockfile=true
      # Whatever the settings say, it is this deployment, and the pipeline does not take itself away.
      terraform apply -input=false -auto-approve -var "image_uri=$image" \
        -var "project_name=$PROJECT" -var "environment=$ENVIRONMENT" -var deploy_cicd_pipeline=true
    EOT
  }
}

resource "aws_codeconnections_connection" "github" {
  count = var.deploy_cicd_pipeline ? 1 : 0

  name          = local.pipeline.connection
  provider_type = "GitHub"
}

resource "aws_codepipeline" "delivery" {
  # checkov:skip=CKV_AWS_219: an artifact is a copy of a commit, and encrypted with AWS's key for S3
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
        category = "Source"
        provider = "CodeStarSourceConnection" # its name still
        settings = {
          ConnectionArn    = aws_codeconnections_connection.github[0].arn
          FullRepositoryId = trimprefix(var.github_repo_url, "https://github.com/")
          BranchName       = "main"
        }
      },
      { category = "Test", provider = "CodeBuild", settings = { ProjectName = aws_codebuild_project.pipeline["test"].name } },
      {
        category = "Approval"
        provider = "Manual"
        settings = { CustomData = "Deploy #{Source.CommitId} to ${local.suffix}?", NotificationArn = aws_sns_topic.alarms.arn }
      },
      {
        category = "Build"
        provider = "CodeBuild"
        settings = {
          ProjectName          = aws_codebuild_project.pipeline["deploy"].name
          EnvironmentVariables = jsonencode([{ name = "COMMIT", value = "#{Source.CommitId}", type = "PLAINTEXT" }])
        }
      },
    ]

    content {
      name = stage.value.category == "Build" ? "Deploy" : stage.value.category

      action {
        name             = stage.value.category
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

resource "aws_codebuild_project" "pipeline" {
  # checkov:skip=CKV_AWS_316: privileged is the one that builds the image, as said there
  # checkov:skip=CKV_AWS_147: an artifact is a copy of a commit, and encrypted with AWS's key for S3
  for_each = var.deploy_cicd_pipeline ? local.build_scripts : {}

  name          = local.pipeline[each.key]
  service_role  = each.key == "test" ? aws_iam_role.pipeline["test"].arn : "${local.iam}:role/${local.prefix}-bootstrap-deploy"
  build_timeout = 30

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type            = "LINUX_CONTAINER"
    compute_type    = "BUILD_GENERAL1_MEDIUM"
    image           = "aws/codebuild/standard:7.0"
    privileged_mode = each.key == "deploy" # it builds the image, and Docker's engine runs in no other container

    dynamic "environment_variable" {
      for_each = each.key == "test" ? {} : {
        ENVIRONMENT  = local.suffix
        PLATFORM     = { x86_64 = "linux/amd64", arm64 = "linux/arm64" }[var.lambda_architecture]
        PROJECT      = local.prefix
        REPOSITORY   = split("@", var.image_uri)[0]
        SOURCE       = var.github_repo_url
        STATE_BUCKET = "${local.prefix}-terraform-state-${local.account}"
      }

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  source {
    type = "CODEPIPELINE"

    buildspec = yamlencode({
      version = "0.2"
      env     = { shell = "bash" }
      phases = {
        install = { runtime-versions = { python = "3.12" } }
        build   = { commands = ["set -euo pipefail\n${each.value}"] }
      }
    })
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
  for_each = toset(var.deploy_cicd_pipeline ? keys(local.build_scripts) : [])

  name              = "/aws/codebuild/${local.pipeline[each.key]}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "pipeline" {
  for_each = var.deploy_cicd_pipeline ? {
    test     = { service = "codebuild", source = "project/${local.pipeline.test}" }
    delivery = { service = "codepipeline", source = local.pipeline.name }
  } : {}

  name                 = "${local.prefix}-${each.value.service}-role-${local.suffix}"
  description          = "What the pipeline of ${var.github_repo_url} runs with."
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
        [["codeconnections:UseConnection"], [aws_codeconnections_connection.github[0].arn]],
        [["sns:Publish"], [aws_sns_topic.alarms.arn]],
        [["kms:Decrypt", "kms:GenerateDataKey"], var.kms_key_arn[*]], # the topic's
      ] :
      { Effect = "Allow", Action = statement[0], Resource = statement[1] } if length(statement[1]) > 0
    ]
  })
}

resource "aws_s3_bucket" "artifacts" {
  # checkov:skip=CKV_AWS_18: each object is a copy of a commit, read by the builds only
  # checkov:skip=CKV_AWS_21: the pipeline never writes an object twice
  # checkov:skip=CKV_AWS_144: what is lost is fetched from the repository again
  # checkov:skip=CKV2_AWS_62: nothing reacts to a new object
  count = var.deploy_cicd_pipeline ? 1 : 0

  bucket        = local.pipeline.artifacts
  force_destroy = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "artifacts" {
  count = var.deploy_cicd_pipeline ? 1 : 0

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  count = var.deploy_cicd_pipeline ? 1 : 0

  bucket                  = aws_s3_bucket.artifacts[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_lifecycle_configuration" "artifacts" {
  count = var.deploy_cicd_pipeline ? 1 : 0

  bucket = aws_s3_bucket.artifacts[0].id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    # An approval waits for a week at most.
    expiration {
      days = 14
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "artifacts" {
  count = var.deploy_cicd_pipeline ? 1 : 0

  bucket = aws_s3_bucket.artifacts[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EncryptedTransportOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.artifacts[0].arn, "${aws_s3_bucket.artifacts[0].arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.artifacts]
}
