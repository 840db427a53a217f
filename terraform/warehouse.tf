# The secret that signs the requests to a warehouse over HTTP; only with warehouse_url. It is created without a value, so that
# no state and no plan holds one: docs/warehouse.md has the command that stores it.

locals {
  warehouse_secret_arn = var.warehouse_url == null ? null : coalesce(var.warehouse_secret_arn, one(aws_secretsmanager_secret.warehouse[*].arn))
}

resource "aws_secretsmanager_secret" "warehouse" {
  # checkov:skip=CKV_AWS_149: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV2_AWS_57: only the warehouse's operator can change the secret at the other end
  count = var.warehouse_url != null && var.warehouse_secret_arn == null ? 1 : 0

  name        = local.names.warehouse_secret
  description = "Signs the requests of ${local.prefix} to the warehouse: whsec_ and 24 to 64 random bytes in base64."
  kms_key_id  = var.kms_key_arn
  # While a deleted secret can be recovered, no other can have its name.
  recovery_window_in_days = local.is_prod ? 30 : 0
}
