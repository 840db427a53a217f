# The orders table and the failed-orders table. Their indexes project only keys: orders are written often and listed rarely.

resource "aws_dynamodb_table" "orders" {
  # checkov:skip=CKV_AWS_119: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV2_AWS_16: on-demand tables scale by themselves
  name                        = local.names.orders_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "order_id"
  deletion_protection_enabled = local.is_prod
  stream_enabled              = var.enable_table_stream
  stream_view_type            = var.enable_table_stream ? "NEW_AND_OLD_IMAGES" : null

  attribute {
    name = "order_id"
    type = "S"
  }

  attribute {
    name = "customer_id"
    type = "S"
  }

  attribute {
    name = "created_at"
    type = "S"
  }

  # The status and a hash of the order's id, such as `PENDING#3`, so that the writes of one status spread over partitions.
  attribute {
    name = "status_shard"
    type = "S"
  }

  attribute {
    name = "updated_at"
    type = "S"
  }

  # The caller who submitted the order, and the shop's order number. Orders without a number are not in its index.
  attribute {
    name = "owner_reference"
    type = "S"
  }

  # Only customers of a user pool list their own orders by it. Other callers submit the orders of many customers, and one
  # partition could not take their writes.
  dynamic "attribute" {
    for_each = var.api_auth == "cognito" ? ["owner"] : []

    content {
      name = attribute.value
      type = "S"
    }
  }

  global_secondary_index {
    name            = "by-customer"
    hash_key        = "customer_id"
    range_key       = "created_at"
    projection_type = "KEYS_ONLY"
  }

  global_secondary_index {
    name            = "by-status"
    hash_key        = "status_shard"
    range_key       = "updated_at"
    projection_type = "KEYS_ONLY"
  }

  global_secondary_index {
    name            = "by-reference"
    hash_key        = "owner_reference"
    range_key       = "created_at"
    projection_type = "KEYS_ONLY"
  }

  dynamic "global_secondary_index" {
    for_each = var.api_auth == "cognito" ? ["owner"] : []

    content {
      name            = "by-owner"
      hash_key        = global_secondary_index.value
      range_key       = "created_at"
      projection_type = "KEYS_ONLY"
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}

resource "aws_dynamodb_table" "failed_orders" {
  # checkov:skip=CKV_AWS_119: encrypted with an AWS key unless var.kms_key_arn names a customer key, which costs extra
  # checkov:skip=CKV2_AWS_16: on-demand tables scale by themselves
  name                        = local.names.failed_orders_table
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "order_id"
  deletion_protection_enabled = local.is_prod

  attribute {
    name = "order_id"
    type = "S"
  }

  # The reason and a hash of the order's id, such as `declined#3`.
  attribute {
    name = "reason_shard"
    type = "S"
  }

  attribute {
    name = "failed_at"
    type = "S"
  }

  global_secondary_index {
    name            = "by-reason"
    hash_key        = "reason_shard"
    range_key       = "failed_at"
    projection_type = "KEYS_ONLY"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }
}
