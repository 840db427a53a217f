output "state_bucket" {
  description = "Name of the bucket for Terraform states."
  value       = aws_s3_bucket.state.bucket
}

output "ecr_repository_url" {
  description = "URL of the ECR repository for the function's image."
  value       = aws_ecr_repository.images.repository_url
}

output "deploy_role_arn" {
  description = "ARN of the role with which GitHub workflows and the pipeline deploy; null if neither does."
  value       = one(aws_iam_role.deploy[*].arn)
}

output "permissions_boundary_arn" {
  description = "ARN of the permissions boundary of every role in terraform/."
  value       = aws_iam_policy.boundary.arn
}

output "backend_conf" {
  description = "Contents of backend.conf: terraform output -raw backend_conf > ../backend.conf"
  value       = <<-EOT
    # Each environment has its own key: ${local.prefix}/staging.tfstate, ${local.prefix}/prod.tfstate.
    bucket       = "${local.state_bucket}"
    key          = "${local.prefix}/dev.tfstate"
    region       = "${local.region}"
    encrypt      = true
    use_lockfile = true
  EOT
}
