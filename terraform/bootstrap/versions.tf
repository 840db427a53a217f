# What exists once per account and region, and before everything else: where the state is kept, where images go, who may
# deploy. A person with administrator rights applies it, once:
#
#   terraform init && terraform apply
#
# Its own state stays in terraform.tfstate beside this file, as the bucket for states is made here. There is no secret
# in it; keep it all the same, or import what exists when it is lost.
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

# Every ARN is made here of names: a policy can then be read in a plan, before what it names exists.
locals {
  prefix    = var.project_name
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = var.aws_region

  # What carries this prefix belongs to this configuration; who deploys may not change it.
  own = "${local.prefix}-bootstrap"

  image_repository = coalesce(var.ecr_repository, var.project_name)

  state_bucket = "${local.prefix}-terraform-state-${local.account}"
  state_arn    = "arn:${local.partition}:s3:::${local.state_bucket}"
  image_arn    = "arn:${local.partition}:ecr:${local.region}:${local.account}:repository/${local.image_repository}"
  iam          = "arn:${local.partition}:iam::${local.account}"
  boundary_arn = "${local.iam}:policy/${local.own}-boundary"
}
