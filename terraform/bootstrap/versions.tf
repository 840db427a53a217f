# Creates the resources that terraform/ needs, once per account and region: the bucket for states, the ECR repository and the
# deployment roles. An administrator applies it once:
#
#   terraform init && terraform apply
#
# Its own state stays in terraform.tfstate beside this file, because it creates the bucket for states. The state holds no
# secret. Keep it; if it is lost, import the resources.
terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.aws_region

  default_tags {
    tags = {
      Project   = var.project_name
      ManagedBy = "terraform-bootstrap"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# ARNs are composed of names, so that a plan shows each policy before the resources exist.
locals {
  prefix    = var.project_name
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = var.aws_region

  # The prefix of this configuration's resources, which the deployment role must not change.
  own = "${local.prefix}-bootstrap"

  image_repository = coalesce(var.ecr_repository, var.project_name)

  state_bucket = "${local.prefix}-terraform-state-${local.account}"
  state_arn    = "arn:${local.partition}:s3:::${local.state_bucket}"
  image_arn    = "arn:${local.partition}:ecr:${local.region}:${local.account}:repository/${local.image_repository}"
  iam          = "arn:${local.partition}:iam::${local.account}"
  boundary_arn = "${local.iam}:policy/${local.own}-boundary"
}
