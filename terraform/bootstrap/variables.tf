variable "aws_region" {
  description = "AWS region of the state bucket and the images: the one that is deployed to."
  type        = string
  default     = "ap-south-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be a region's code, such as ap-south-1."
  }
}

variable "project_name" {
  description = "First part of every name; the same as in the configuration above this one."
  type        = string
  default     = "dofs"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project_name))
    error_message = "project_name must be 2 to 16 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "state_versions_days" {
  description = "Days that a replaced version of a state is kept; the last ten are kept for longer."
  type        = number
  default     = 90

  validation {
    condition     = var.state_versions_days >= 7 && floor(var.state_versions_days) == var.state_versions_days
    error_message = "state_versions_days must be a whole number of days, at least 7."
  }
}

variable "ecr_repository" {
  description = "Name of the repository that the function's image is pushed to; null for project_name, where pipelines look for it."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^[a-z0-9]+([._/-][a-z0-9]+)*$", coalesce(var.ecr_repository, var.project_name))) && length(coalesce(var.ecr_repository, "none")) <= 256
    error_message = "ecr_repository must be lower-case letters and digits, with single . _ - or / between them."
  }
}

variable "images_kept" {
  description = "Images that are kept, the newest. Prod must not lag behind by more than that: its image would be deleted."
  type        = number
  default     = 100

  validation {
    condition     = var.images_kept >= 20 && floor(var.images_kept) == var.images_kept
    error_message = "images_kept must be a whole number, at least 20."
  }
}

variable "github_repository" {
  description = "Whose workflows deploy: OWNER@ID/NAME@ID as GitHub's tokens say, OWNER/NAME if older than 15 July 2026; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null || can(regex("^([A-Za-z0-9-]+/[A-Za-z0-9_.-]+|[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9_.-]+@[0-9]+)$", var.github_repository))
    error_message = "github_repository must be OWNER/NAME or OWNER@ID/NAME@ID, without a wildcard, or null."
  }
}

variable "github_subjects" {
  description = "Which runs of its workflows may deploy: main, and the environment that is deployed to. Name none that is not there with main as its only branch: GitHub makes one for whoever asks, from any branch."
  type        = list(string)
  default     = ["ref:refs/heads/main", "environment:dev"]

  validation {
    condition     = length(var.github_subjects) > 0 && alltrue([for subject in var.github_subjects : can(regex("^(ref:refs/(heads|tags)/|environment:)[^*?:]", subject))])
    error_message = "github_subjects must be ref:refs/heads/NAME, ref:refs/tags/NAME or environment:NAME; no name may begin with a wildcard."
  }
}

variable "state_lock_table" {
  description = "The DynamoDB table that is TF_STATE_LOCK_TABLE of the workflows, which deploys need then; null for the lock file alone."
  type        = string
  default     = null

  validation {
    condition     = var.state_lock_table == null || can(regex("^[A-Za-z0-9_.-]{3,255}$", var.state_lock_table))
    error_message = "state_lock_table must be a DynamoDB table's name, or null."
  }
}

variable "create_github_oidc_provider" {
  description = "Whether GitHub's identity provider is created; an account can have one only, so false where there is one."
  type        = bool
  default     = true
}

variable "codebuild_deploys" {
  description = "Whether the pipeline's CodeBuild project may deploy, too; needed for deploy_cicd_pipeline."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "The kms_key_arn of the configuration above this one, which its roles may use then; null for AWS's keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, or null."
  }
}

variable "manage_api_gateway_account" {
  description = "Whether API Gateway's role for logs is set here; false where something else has set the account's."
  type        = bool
  default     = true
}
