variable "aws_region" {
  description = "AWS region of the state bucket, the images and the deployments."
  type        = string
  default     = "ap-south-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be the code of a region, such as ap-south-1."
  }
}

variable "project_name" {
  description = "Prefix of every name; the same as in terraform/."
  type        = string
  default     = "dofs"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project_name))
    error_message = "project_name must be 2 to 16 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "state_versions_days" {
  description = "Days for which replaced versions of a state are kept; the ten newest are kept longer."
  type        = number
  default     = 90

  validation {
    condition     = var.state_versions_days >= 7 && floor(var.state_versions_days) == var.state_versions_days
    error_message = "state_versions_days must be a whole number of days, at least 7."
  }
}

variable "ecr_repository" {
  description = "Name of the ECR repository for the function's image; null for project_name, which pipelines expect."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", coalesce(var.ecr_repository, var.project_name))) && length(coalesce(var.ecr_repository, "none")) <= 256
    error_message = "ecr_repository must be lower-case letters and digits, with single . _ - or / between them."
  }
}

variable "images_kept" {
  description = "Number of newest images that are kept. An image that is still deployed must be among them."
  type        = number
  default     = 100

  validation {
    condition     = var.images_kept >= 20 && floor(var.images_kept) == var.images_kept
    error_message = "images_kept must be a whole number, at least 20."
  }
}

variable "github_repository" {
  description = "Repository whose workflows deploy: OWNER@ID/NAME@ID as in GitHub's tokens, OWNER/NAME if older than 15 July 2026; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^([A-Za-z0-9-]+/[A-Za-z0-9_.-]+|[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9_.-]+@[0-9]+)$", var.github_repository))
    error_message = "github_repository must be OWNER/NAME or OWNER@ID/NAME@ID, without a wildcard, or null."
  }
}

variable "github_subjects" {
  description = "Runs of its workflows that may deploy: the branch main and the environment of the deployment. Name only environments that exist with main as their only branch: GitHub creates a missing one for a workflow of any branch."
  type        = list(string)
  default     = ["ref:refs/heads/main", "environment:dev"]

  validation {
    condition     = length(var.github_subjects) > 0 && alltrue([for subject in var.github_subjects : can(regex("^(ref:refs/(heads|tags)/|environment:)[^*?:]", subject))])
    error_message = "github_subjects must be ref:refs/heads/NAME, ref:refs/tags/NAME or environment:NAME; no name may start with a wildcard."
  }
}

variable "state_lock_table" {
  description = "DynamoDB table that the workflows set as TF_STATE_LOCK_TABLE, so that their role may use it; null for the lock file alone."
  type        = string
  default     = null

  validation {
    condition     = var.state_lock_table == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.state_lock_table))
    error_message = "state_lock_table must be the name of a DynamoDB table, or null."
  }
}

variable "create_github_oidc_provider" {
  description = "Whether to create GitHub's identity provider. An account can have only one: set false if it exists."
  type        = bool
  default     = true
}

variable "codebuild_deploys" {
  description = "Whether the pipeline's CodeBuild projects may deploy, too; needed for deploy_cicd_pipeline."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "The kms_key_arn of terraform/, so that its roles may use the key; null for AWS keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, or null."
  }
}

variable "manage_api_gateway_account" {
  description = "Whether to set API Gateway's role for logs; false if something else has set it in this region."
  type        = bool
  default     = true
}
