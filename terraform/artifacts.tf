# The bucket through which the pipeline's source action passes a copy of the commit to the builds.

resource "aws_s3_bucket" "artifacts" {
  # checkov:skip=CKV_AWS_18: each object is a copy of a commit, read by the builds only
  # checkov:skip=CKV_AWS_21: the pipeline never writes an object twice
  # checkov:skip=CKV_AWS_144: a lost object can be fetched from the repository again
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

    # An approval expires after a week.
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
