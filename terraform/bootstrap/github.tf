# GitHub workflows authenticate with an OpenID Connect token, so GitHub holds no AWS keys.
# https://docs.github.com/actions/reference/security/oidc

locals {
  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = "${local.iam}:oidc-provider/${local.github_host}"
}

# AWS verifies GitHub's certificate by its authority, so no thumbprint is needed.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_repository != null && var.create_github_oidc_provider ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}
