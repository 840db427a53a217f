# Where the function's image is pushed to. Deployments name it by its digest.

resource "aws_ecr_repository" "images" {
  name                 = local.image_repository
  image_tag_mutability = "IMMUTABLE"

  image_scanning_configuration {
    scan_on_push = true
  }

  # With AWS's own key for ECR on purpose: a key of one's own costs extra, and the image holds no secret.
  encryption_configuration {
    encryption_type = "KMS"
  }
}

# By count, and never untagged images by their age: a deployed digest need not have a tag, and Lambda wants it to exist.
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

# Without it Lambda would write a policy of its own, for which who deploys would need ecr:SetRepositoryPolicy.
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
