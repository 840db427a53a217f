# The fulfillment queue, its dead-letter queue, and the event source mapping that invokes the function.

resource "aws_sqs_queue" "fulfillment" {
  name                              = local.names.queue
  visibility_timeout_seconds        = var.sqs_visibility_timeout
  message_retention_seconds         = 4 * 86400
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 300
  policy                            = local.encrypted_transport_only[local.names.queue]

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letter.arn
    maxReceiveCount     = var.sqs_max_receive_count
  })
}

# SQS counts a message's age from its first enqueue, also after the move to this queue, so the retention is longer here.
resource "aws_sqs_queue" "dead_letter" {
  name                              = local.names.dead_letter_queue
  message_retention_seconds         = 14 * 86400
  sqs_managed_sse_enabled           = var.kms_key_arn == null ? true : null
  kms_master_key_id                 = var.kms_key_arn
  kms_data_key_reuse_period_seconds = var.kms_key_arn == null ? null : 300
  policy                            = local.encrypted_transport_only[local.names.dead_letter_queue]

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arns[local.names.queue]]
  })
}

locals {
  queue_arns = {
    for name in [local.names.queue, local.names.dead_letter_queue] :
    name => "${local.arn}:sqs:${local.region}:${local.account}:${name}"
  }

  encrypted_transport_only = {
    for name, arn in local.queue_arns : name => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "EncryptedTransportOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }]
    })
  }
}

resource "aws_lambda_event_source_mapping" "fulfillment" {
  event_source_arn                   = aws_sqs_queue.fulfillment.arn
  function_name                      = aws_lambda_alias.live.arn
  batch_size                         = var.sqs_batch_size
  maximum_batching_window_in_seconds = var.sqs_batch_window
  function_response_types            = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.sqs_maximum_concurrency
  }

  depends_on = [aws_iam_role_policy_attachment.function]
}
