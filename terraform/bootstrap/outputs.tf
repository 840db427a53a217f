output "state_bucket" {
  description = "Bucket of the states."
  value       = aws_s3_bucket.state.bucket
}

output "ecr_repository_url" {
  description = "Where the image is pushed to."
  value       = aws_ecr_repository.images.repository_url
}

output "deploy_role_arn" {
  description = "Role that GitHub's workflows and the pipeline deploy with; null where neither does."
  value       = one(aws_iam_role.deploy[*].arn)
}

output "permissions_boundary_arn" {
  description = "The boundary that every role of the configuration above this one has."
  value       = aws_iam_policy.boundary.arn
}

output "backend_conf" {
  description = "terraform output -raw backend_conf > ../backend.conf"
  value       = <<-EOT
    # Each environment has a key of its own: ${local.prefix}/staging.tfstate, ${local.prefix}/prod.tfstate.
    bucket       = "${local.state_bucket}"
    key          = "${local.prefix}/dev.tfstate"
    region       = "${local.region}"
    encrypt      = true
    use_lockfile = true
  EOT
}
