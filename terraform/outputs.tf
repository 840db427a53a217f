locals {
  curl_identity = {
    none    = ""
    api_key = "-H \"X-Api-Key: $(terraform -chdir=terraform output -raw api_key)\" "
    iam     = "--aws-sigv4 aws:amz:${local.region}:execute-api --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" -H \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\" "
    cognito = "-H \"Authorization: $ID_TOKEN\" "
  }
}

output "api_gateway_url" {
  description = "URL of the API."
  value       = aws_api_gateway_stage.orders.invoke_url
}

output "try_it" {
  description = "A command that submits a first order."
  value       = "curl -i ${aws_api_gateway_stage.orders.invoke_url}/order ${local.curl_identity[var.api_auth]}-H 'Content-Type: application/json' -d '{\"customer_id\": \"cust_123\", \"items\": [{\"product_id\": \"prod_456\", \"quantity\": 2, \"price\": 29.99}], \"total_amount\": 59.98}'"
}

output "api_auth" {
  description = "How callers of the API are authenticated."
  value       = var.api_auth
}

output "api_key" {
  description = "An API key, to send as X-Api-Key: the first of api_keys by the alphabet; only with api_auth = api_key."
  value       = try(values(aws_api_gateway_api_key.callers)[0].value, null)
  sensitive   = true
}

output "api_keys" {
  description = "All API keys, as shop/1 = KEY; only with api_auth = api_key."
  value       = { for name, key in aws_api_gateway_api_key.callers : name => key.value }
  sensitive   = true
}

output "dashboard_url" {
  description = "URL of the dashboard in the AWS console."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.orders.dashboard_name}"
}

output "orders_table" {
  description = "Name of the orders table."
  value       = aws_dynamodb_table.orders.name
}

output "failed_orders_table" {
  description = "Name of the failed-orders table."
  value       = aws_dynamodb_table.failed_orders.name
}

output "queue_url" {
  description = "URL of the fulfillment queue."
  value       = aws_sqs_queue.fulfillment.url
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue."
  value       = aws_sqs_queue.dead_letter.url
}

output "function_name" {
  description = "Name of the function; callers invoke its alias `live`."
  value       = aws_lambda_function.orders.function_name
}

output "function_version" {
  description = "Version that `live` points at. `make rollback` points it at the previous one."
  value       = aws_lambda_alias.live.function_version
}

output "state_machine_arn" {
  description = "ARN of the order workflow."
  value       = aws_sfn_state_machine.orders.arn
}

output "warehouse_secret_arn" {
  description = "ARN of the secret that signs the requests to the warehouse; null without warehouse_url."
  value       = local.warehouse_secret_arn
}

output "image_uri" {
  description = "URI of the deployed image."
  value       = aws_lambda_function.orders.image_uri
}
