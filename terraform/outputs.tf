locals {
  curl_identity = {
    none    = ""
    api_key = "-H \"X-Api-Key: $(terraform -chdir=terraform output -raw api_key)\" "
    iam     = "--aws-sigv4 aws:amz:${local.region}:execute-api --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" -H \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\" "
    cognito = "-H \"Authorization: $ID_TOKEN\" "
  }
}

output "api_gateway_url" {
  description = "Where the API is."
  value       = aws_api_gateway_stage.orders.invoke_url
}

output "try_it" {
  description = "A first order."
  value       = "curl -i ${aws_api_gateway_stage.orders.invoke_url}/order ${local.curl_identity[var.api_auth]}-H 'Content-Type: application/json' -d '{\"customer_id\": \"cust_123\", \"items\": [{\"product_id\": \"prod_456\", \"quantity\": 2, \"price\": 29.99}], \"total_amount\": 59.98}'"
}

output "api_auth" {
  description = "How callers of the API are known."
  value       = var.api_auth
}

output "api_key" {
  description = "The first caller's API key, with api_auth = api_key; send it as X-Api-Key."
  value       = one(aws_api_gateway_api_key.first[*].value)
  sensitive   = true
}

output "dashboard_url" {
  description = "The dashboard in AWS's console."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.orders.dashboard_name}"
}

output "orders_table" {
  description = "Table of the orders."
  value       = aws_dynamodb_table.orders.name
}

output "failed_orders_table" {
  description = "Table of the orders that failed for good."
  value       = aws_dynamodb_table.failed_orders.name
}

output "queue_url" {
  description = "The fulfillment queue."
  value       = aws_sqs_queue.fulfillment.url
}

output "dead_letter_queue_url" {
  description = "The dead-letter queue."
  value       = aws_sqs_queue.dead_letter.url
}

output "function_name" {
  description = "The function; its alias `live` is what is invoked."
  value       = aws_lambda_function.orders.function_name
}

output "function_version" {
  description = "The version that `live` points at. To roll back: make rollback."
  value       = aws_lambda_alias.live.function_version
}

output "state_machine_arn" {
  description = "The order workflow."
  value       = aws_sfn_state_machine.orders.arn
}

output "image_uri" {
  description = "The image that is deployed."
  value       = aws_lambda_function.orders.image_uri
}
