# The ECR repository of the function's image. Deployments refer to an image by its digest.

resource "aws_ecr_repository" "images" {
  name                 = local.image_repository
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  # Uses the AWS managed key for ECR: a customer key costs extra, and the image holds no secret.
  encryption_configuration {
    encryption_type = "KMS"
  }
}

# Expires images by count, never untagged images by age: a deployed image may have no tag, and Lambda needs it.
resource "aws_ecr_lifecycle_policy" "images" {
  repository = aws_ecr_repository.images.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep the newest ${var.images_kept}."
      selection = {
        tagStatus   = "any"
        countType   = "imageCountMoreThan"
        countNumber = var.images_kept
      }
      action = { type = "expire" }
    }]
  })
}

# Without this policy Lambda adds its own, and the deployment role would need ecr:SetRepositoryPolicy for that.
resource "aws_ecr_repository_policy" "images" {
  repository = aws_ecr_repository.images.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "FunctionsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Condition = {
        ArnLike = { "aws:SourceArn" = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:*" }
      }
    }]
  })
}
