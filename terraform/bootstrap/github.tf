# GitHub's workflows prove who they are by a token of GitHub's, and no key is kept there.
# https://docs.github.com/actions/reference/security/oidc

locals {
  github_host         = "token.actions.githubusercontent.com"
  github_provider_arn = "${local.iam}:oidc-provider/${local.github_host}"
}

# AWS trusts GitHub's certificates by their authorities, so there is no thumbprint to keep up to date.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_repository != null && var.create_github_oidc_provider ? 1 : 0

  url            = "https://${local.github_host}"
  client_id_list = ["sts.amazonaws.com"]
}
