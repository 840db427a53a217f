# Tests of the names, defaults, permissions and settings on which the service, its users and its operators rely. They need
# no AWS account.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "ap-south-1" }
  }

  mock_resource "aws_lambda_function" {
    defaults = {
      arn     = "arn:aws:lambda:ap-south-1:123456789012:function:dofs-orders-dev"
      version = "7"
    }
  }

  mock_resource "aws_lambda_alias" {
    defaults = {
      arn        = "arn:aws:lambda:ap-south-1:123456789012:function:dofs-orders-dev:live"
      invoke_arn = "arn:aws:apigateway:ap-south-1:lambda:path/2015-03-31/functions/arn:aws:lambda:ap-south-1:123456789012:function:dofs-orders-dev:live/invocations"
    }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:ap-south-1:123456789012:mocked"
      url = "https://sqs.ap-south-1.amazonaws.com/123456789012/mocked"
    }
  }

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:ap-south-1:123456789012:table/mocked" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:ap-south-1:123456789012:log-group:mocked" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:ap-south-1:123456789012:rule/mocked" }
  }

  mock_resource "aws_sfn_state_machine" {
    defaults = { arn = "arn:aws:states:ap-south-1:123456789012:stateMachine:mocked" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:ap-south-1:123456789012:mocked" }
  }

  mock_resource "aws_api_gateway_rest_api" {
    defaults = { execution_arn = "arn:aws:execute-api:ap-south-1:123456789012:mocked" }
  }

  mock_resource "aws_api_gateway_stage" {
    defaults = { arn = "arn:aws:apigateway:ap-south-1::/restapis/mocked/stages/mocked" }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:mocked-AbCdEf" }
  }

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:ap-south-1:123456789012:regional/webacl/mocked/mocked" }
  }
}

variables {
  image_uri          = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  notification_email = "orders@example.com"
}

run "resources_have_the_documented_names" {
  assert {
    condition     = aws_dynamodb_table.orders.name == "dofs-orders-dev" && aws_dynamodb_table.failed_orders.name == "dofs-failed-orders-dev"
    error_message = "The tables must have their documented names."
  }

  assert {
    condition     = aws_iam_role.function.name == "dofs-lambda-execution-role-dev" && aws_iam_policy.function.name == "dofs-lambda-policy-dev"
    error_message = "The function's role and policy must have their documented names."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function.name == "/aws/lambda/dofs-orders-dev" && aws_cloudwatch_log_group.workflow.name == "/aws/stepfunctions/dofs-order-processing-dev"
    error_message = "The log groups must have their documented names."
  }

  assert {
    condition     = aws_lambda_function.orders.environment[0].variables["DOFS_STATE_MACHINE_ARN"] == "arn:aws:states:ap-south-1:123456789012:stateMachine:${aws_sfn_state_machine.orders.name}"
    error_message = "DOFS_STATE_MACHINE_ARN must be the ARN of the state machine."
  }
}

run "defaults_are_as_documented" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.orders.timeout == 30 &&
      aws_lambda_function.orders.memory_size == 256 &&
      aws_sqs_queue.fulfillment.visibility_timeout_seconds == 180 &&
      var.environment == "dev" && var.aws_region == "ap-south-1" && var.project_name == "dofs" &&
      var.sqs_max_receive_count == 3 && var.enable_dlq_alerting && var.dlq_alert_threshold == 5 && !var.deploy_cicd_pipeline
    )
    error_message = "A default differs from the documentation."
  }
}

run "three_failures_move_a_message_to_the_dead_letter_queue" {
  assert {
    condition     = jsondecode(aws_sqs_queue.fulfillment.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 3 }
    error_message = "The queue must move a message to the dead-letter queue after 3 receives."
  }

  assert {
    condition     = aws_sqs_queue.fulfillment.message_retention_seconds == 345600 && aws_sqs_queue.dead_letter.message_retention_seconds == 1209600
    error_message = "Retention must be 4 days on the queue, and 14 on the dead-letter queue."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:ap-south-1:123456789012:dofs-fulfillment-dev"] }
    error_message = "Only the fulfillment queue may use the dead-letter queue."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.fulfillment.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "The mapping must report partial failures: otherwise one bad message fails its batch."
  }
}

run "everything_invokes_the_alias" {
  assert {
    condition     = aws_lambda_event_source_mapping.fulfillment.function_name == aws_lambda_alias.live.arn && aws_cloudwatch_event_target.reconcile.arn == aws_lambda_alias.live.arn
    error_message = "The queue and the schedule must invoke the alias."
  }

  assert {
    condition     = alltrue([for each in aws_api_gateway_integration.function : each.uri == aws_lambda_alias.live.invoke_arn])
    error_message = "The API must invoke the alias."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.orders.definition).States.ValidateOrder.Parameters.FunctionName == aws_lambda_alias.live.arn
    error_message = "The workflow must invoke the alias."
  }

  assert {
    condition     = aws_lambda_alias.live.function_version == aws_lambda_function.orders.version && aws_lambda_function.orders.publish
    error_message = "The alias must point at a published version."
  }
}

run "dead_letter_queue_alarm_watches_depth_and_notifies_the_topic" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.all["dlq-depth"].namespace == "AWS/SQS" &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].metric_name == "ApproximateNumberOfMessagesVisible" &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].dimensions == tomap({ QueueName = "dofs-fulfillment-dlq-dev" }) &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].statistic == "Maximum" &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].threshold == 5 &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].treat_missing_data == "notBreaching"
    )
    error_message = "The alarm must watch the visible messages of the dead-letter queue."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.all :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "Every alarm must notify the topic when it goes off and when it is over."
  }

  assert {
    condition     = aws_sns_topic_subscription.email.endpoint == "orders@example.com" && aws_sns_topic_subscription.email.protocol == "email"
    error_message = "The topic must send email to notification_email."
  }
}

run "dead_letter_queue_alarm_can_be_disabled" {
  command = plan

  variables {
    enable_dlq_alerting = false
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.all), "dlq-depth") && length(aws_cloudwatch_metric_alarm.all) > 0
    error_message = "enable_dlq_alerting = false must remove this alarm and no other."
  }
}

run "no_policy_allows_everything" {
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_policy.function.policy).Statement :
      !strcontains(jsonencode(statement.Action), "*") && alltrue([
        for resource in flatten([statement.Resource]) : startswith(resource, "arn:aws:") && !endswith(resource, ":*") || statement.Sid == "Logs"
      ])
    ])
    error_message = "The function's policy must name its actions and resources."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.workflow.policy).Statement :
      !strcontains(jsonencode(statement.Action), "*") && (statement.Resource != "*" || statement.Sid == "LogDelivery")
    ])
    error_message = "The workflow's policy must name its actions and resources."
  }

  assert {
    condition     = jsondecode(aws_iam_role.workflow.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "The role must trust only state machines of this account."
  }
}

run "logs_contain_no_orders_and_expire" {
  assert {
    condition     = !aws_sfn_state_machine.orders.logging_configuration[0].include_execution_data && !aws_api_gateway_method_settings.all.settings[0].data_trace_enabled
    error_message = "Logs of Step Functions and API Gateway must not contain orders."
  }

  assert {
    condition     = alltrue([for group in [aws_cloudwatch_log_group.function, aws_cloudwatch_log_group.workflow, aws_cloudwatch_log_group.api] : group.retention_in_days == 30])
    error_message = "Log groups must have a retention of 30 days."
  }
}

run "bodies_are_validated_and_preflights_need_no_credentials" {
  variables {
    environment  = "prod"
    api_auth     = "iam"
    cors_origins = ["https://shop.example.com"]
  }

  assert {
    condition = (
      aws_api_gateway_method.orders["POST /order"].request_models == tomap({ "application/json" = "Order" }) &&
      aws_api_gateway_method.orders["POST /order"].request_validator_id == aws_api_gateway_request_validator.body.id &&
      aws_api_gateway_request_validator.body.validate_request_body && jsondecode(aws_api_gateway_model.order.schema).type == "object"
    )
    error_message = "API Gateway must validate the body of POST /order."
  }

  assert {
    condition     = contains(keys(aws_api_gateway_method.orders), "OPTIONS /order") && contains(keys(aws_api_gateway_method.orders), "OPTIONS /{proxy+}")
    error_message = "Preflight routes must exist."
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.authorization == (startswith(name, "OPTIONS") ? "NONE" : "AWS_IAM")
    ])
    error_message = "Preflights must need no credentials, and every other route must need IAM."
  }

  assert {
    condition = alltrue([
      for response in aws_api_gateway_gateway_response.problem :
      response.response_parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'https://shop.example.com'"
    ])
    error_message = "API Gateway's own error responses must have CORS headers."
  }

  assert {
    condition     = aws_dynamodb_table.orders.deletion_protection_enabled && aws_dynamodb_table.failed_orders.deletion_protection_enabled
    error_message = "In prod, tables must have deletion protection."
  }

  assert {
    condition     = aws_dynamodb_table.orders.point_in_time_recovery[0].enabled && aws_dynamodb_table.failed_orders.point_in_time_recovery[0].enabled
    error_message = "Tables must have point-in-time recovery."
  }
}

run "api_keys_are_required_on_every_route_but_preflights" {
  variables {
    api_auth = "api_key"
  }

  assert {
    condition     = alltrue([for name, method in aws_api_gateway_method.orders : method.api_key_required == !startswith(name, "OPTIONS")])
    error_message = "Every route but preflights must require an API key."
  }

  assert {
    condition     = one(aws_api_gateway_usage_plan.callers[0].api_stages).stage == "dev" && join(",", keys(aws_api_gateway_usage_plan_key.callers)) == "first/1"
    error_message = "The stage must have a usage plan with a key: otherwise API Gateway refuses every key."
  }

  assert {
    condition     = strcontains(output.try_it, "X-Api-Key")
    error_message = "The command in the output try_it must send an API key."
  }

  assert {
    condition = (
      toset([for index in aws_dynamodb_table.orders.global_secondary_index : index.name]) == toset(["by-customer", "by-reference", "by-status"]) &&
      !contains([for attribute in aws_dynamodb_table.orders.attribute : attribute.name], "owner")
    )
    error_message = "Without a user pool, one partition of an index by-owner would take all writes."
  }
}

run "keys_of_a_caller_share_its_orders" {
  variables {
    api_auth = "api_key"
    api_keys = { shop = ["1", "2"], erp = ["1"] }
  }

  override_resource {
    target = aws_api_gateway_api_key.callers["shop/1"]
    values = { id = "k1" }
  }

  override_resource {
    target = aws_api_gateway_api_key.callers["shop/2"]
    values = { id = "k2" }
  }

  override_resource {
    target = aws_api_gateway_api_key.callers["erp/1"]
    values = { id = "k3" }
  }

  assert {
    condition     = aws_lambda_function.orders.environment[0].variables.DOFS_API_CALLERS == "k3=erp,k1=shop,k2=shop"
    error_message = "The function must know which keys are the same caller's."
  }

  assert {
    condition     = aws_api_gateway_usage_plan_key.callers["shop/2"].key_id == "k2"
    error_message = "Each key must be in the usage plan."
  }
}

run "cognito_tokens_are_required_on_every_route_but_preflights" {
  variables {
    api_auth              = "cognito"
    cognito_user_pool_arn = "arn:aws:cognito-idp:ap-south-1:123456789012:userpool/ap-south-1_abc"
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.authorization == (startswith(name, "OPTIONS") ? "NONE" : "COGNITO_USER_POOLS")
    ])
    error_message = "A route is open."
  }

  assert {
    condition = toset([
      for index in aws_dynamodb_table.orders.global_secondary_index : "${index.name} ${index.hash_key} ${index.range_key} ${index.projection_type}"
      ]) == toset([
      "by-customer customer_id created_at KEYS_ONLY", "by-owner owner created_at KEYS_ONLY",
      "by-reference owner_reference created_at KEYS_ONLY", "by-status status_shard updated_at KEYS_ONLY",
    ])
    error_message = "Customers of a user pool must have the index of their own orders."
  }

  assert {
    condition     = strcontains(aws_iam_policy.function.policy, "${aws_dynamodb_table.orders.arn}/index/by-owner")
    error_message = "The function must be allowed to query the index by-owner."
  }
}

run "no_console_without_the_operator_api" {
  variables {
    api_auth = "iam"
  }

  assert {
    condition     = length(aws_api_gateway_resource.console) == 0 && alltrue([for name in keys(aws_api_gateway_method.orders) : !strcontains(name, "console")])
    error_message = "Without operator_api, there must be no console routes."
  }
}

run "console_page_is_public_and_its_api_is_not" {
  variables {
    api_auth     = "api_key"
    operator_api = true
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.api_key_required == !strcontains(name, " /console")
    ])
    error_message = "Only the console's files must need no API key."
  }

  assert {
    condition = (
      toset([for name in keys(aws_api_gateway_method.orders) : name if strcontains(name, "console")]) == toset(["GET /console", "GET /console/{proxy+}", "HEAD /console", "HEAD /console/{proxy+}"]) &&
      aws_api_gateway_resource.console_files[0].path_part == "{proxy+}" && aws_api_gateway_resource.console[0].path_part == "console"
    )
    error_message = "The console's page and files must have routes."
  }
}

run "every_variable_reaches_its_resource" {
  variables {
    environment                 = "staging"
    project_name                = "shop"
    api_auth                    = "cognito"
    cognito_user_pool_arn       = "arn:aws:cognito-idp:ap-south-1:123456789012:userpool/ap-south-1_abc"
    cors_origins                = ["https://a.example.com", "https://b.example.com"]
    lambda_timeout              = 20
    lambda_memory_size          = 512
    lambda_architecture         = "arm64"
    lambda_reserved_concurrency = 50
    log_level                   = "WARNING"
    log_retention_days          = 7
    fulfillment_success_rate    = 0.5
    sqs_visibility_timeout      = 240
    sqs_retry_delay             = 4
    sqs_max_receive_count       = 5
    sqs_batch_size              = 4
    sqs_batch_window            = 2
    sqs_maximum_concurrency     = 20
    status_shards               = 16
    previous_status_shards      = 8
    restart_after               = 100
    recover_after               = 500
    resend_after                = 1300
    look_after                  = 200
    due_after                   = 86400
    backoff_ceiling             = 7200
    restart_limit               = 2000
    reconcile_limit             = 300
    reconcile_parallel          = 8
    lenient_bytes               = 1000
    redrive_rate                = 50
    dlq_alert_threshold         = 2
    api_throttling_rate         = 7
    api_throttling_burst        = 9
    enable_tracing              = true
    operator_api                = true
    workflow_type               = "EXPRESS"
  }

  assert {
    condition = aws_lambda_function.orders.environment[0].variables == tomap({
      DOFS_CLOUD                    = "aws"
      DOFS_REGION                   = "ap-south-1"
      DOFS_ENVIRONMENT              = "staging"
      DOFS_ORDERS_TABLE             = "shop-orders-staging"
      DOFS_FAILED_ORDERS_TABLE      = "shop-failed-orders-staging"
      DOFS_QUEUE_URL                = aws_sqs_queue.fulfillment.url
      DOFS_DEAD_LETTER_QUEUE_URL    = aws_sqs_queue.dead_letter.url
      DOFS_STATE_MACHINE_ARN        = "arn:aws:states:ap-south-1:123456789012:stateMachine:shop-order-processing-staging"
      DOFS_API_AUTH                 = "cognito"
      DOFS_API_CALLERS              = ""
      DOFS_OPERATOR_API             = "on"
      DOFS_CORS_ORIGINS             = "https://a.example.com,https://b.example.com"
      DOFS_LOG_LEVEL                = "WARNING"
      DOFS_METRICS_NAMESPACE        = "SHOP"
      DOFS_MAX_ATTEMPTS             = "5"
      DOFS_VISIBILITY_TIMEOUT       = "240"
      DOFS_RETRY_DELAY              = "4"
      DOFS_FUNCTION_TIMEOUT         = "20"
      DOFS_STATUS_SHARDS            = "16"
      DOFS_PREVIOUS_STATUS_SHARDS   = "8"
      DOFS_RESTART_AFTER            = "100"
      DOFS_RECOVER_AFTER            = "500"
      DOFS_RESEND_AFTER             = "1300"
      DOFS_LOOK_AFTER               = "200"
      DOFS_DUE_AFTER                = "86400"
      DOFS_BACKOFF_CEILING          = "7200"
      DOFS_RESTART_LIMIT            = "2000"
      DOFS_RECONCILE_LIMIT          = "300"
      DOFS_RECONCILE_PARALLEL       = "8"
      DOFS_LENIENT_BYTES            = "1000"
      DOFS_REDRIVE_RATE             = "50"
      DOFS_FULFILLMENT_SUCCESS_RATE = "0.5"
    })
    error_message = "The function's environment must have exactly these settings."
  }

  assert {
    condition = (
      aws_lambda_function.orders.timeout == 20 && aws_lambda_function.orders.memory_size == 512 &&
      aws_lambda_function.orders.architectures == tolist(["arm64"]) && aws_lambda_function.orders.reserved_concurrent_executions == 50 &&
      aws_lambda_function.orders.image_uri == var.image_uri
    )
    error_message = "The variables of the function must reach it."
  }

  assert {
    condition = (
      aws_sqs_queue.fulfillment.visibility_timeout_seconds == 240 &&
      jsondecode(aws_sqs_queue.fulfillment.redrive_policy).maxReceiveCount == 5 &&
      aws_lambda_event_source_mapping.fulfillment.batch_size == 4 &&
      aws_lambda_event_source_mapping.fulfillment.maximum_batching_window_in_seconds == 2 &&
      aws_lambda_event_source_mapping.fulfillment.scaling_config[0].maximum_concurrency == 20
    )
    error_message = "The variables of the queue must reach it and its event source mapping."
  }

  assert {
    condition = (
      aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 7 &&
      aws_api_gateway_method_settings.all.settings[0].throttling_burst_limit == 9 &&
      aws_api_gateway_stage.orders.stage_name == "staging" &&
      aws_api_gateway_stage.orders.access_log_settings[0].destination_arn == aws_cloudwatch_log_group.api.arn &&
      !strcontains(aws_api_gateway_stage.orders.access_log_settings[0].format, "$context.path") &&
      jsondecode(aws_api_gateway_stage.orders.access_log_settings[0].format).requestId == "$context.requestId" &&
      jsondecode(aws_api_gateway_stage.orders.access_log_settings[0].format).xrayTraceId == "$context.xrayTraceId"
    )
    error_message = "The variables of the API must reach its stage, whose access log must not contain paths."
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      startswith(name, "OPTIONS") || strcontains(name, " /console") || method.authorizer_id == aws_api_gateway_authorizer.cognito[0].id
    ])
    error_message = "Every route but preflights and the console must use the user pool."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.all["dlq-depth"].threshold == 2
    error_message = "dlq_alert_threshold must reach the alarm."
  }

  assert {
    condition = alltrue([
      for group in [aws_cloudwatch_log_group.function, aws_cloudwatch_log_group.workflow, aws_cloudwatch_log_group.api, aws_cloudwatch_log_group.api_errors] :
      group.retention_in_days == 7
    ])
    error_message = "log_retention_days must reach every log group."
  }

  assert {
    condition = (
      aws_sfn_state_machine.orders.type == "EXPRESS" && aws_sfn_state_machine.orders.logging_configuration[0].level == "ALL" &&
      aws_sfn_state_machine.orders.tracing_configuration[0].enabled
    )
    error_message = "workflow_type and enable_tracing must reach the state machine."
  }
}

run "simulated_warehouse_has_no_secret" {
  assert {
    condition = (
      length(aws_secretsmanager_secret.warehouse) == 0 && !strcontains(aws_iam_policy.function.policy, "secretsmanager") &&
      length(aws_api_gateway_resource.warehouse) == 0 && length(aws_api_gateway_method_settings.warehouse_events) == 0 &&
      !anytrue([for name in keys(aws_api_gateway_method.orders) : strcontains(name, "warehouse")]) &&
      output.warehouse_secret_arn == null && !anytrue([for name in keys(aws_lambda_function.orders.environment[0].variables) : strcontains(name, "WAREHOUSE")])
    )
    error_message = "Without warehouse_url, there must be no secret, no permission for one, no route of its events and no setting of a warehouse."
  }
}

run "warehouse_has_an_empty_secret_that_only_the_function_may_read" {
  variables {
    warehouse_url = "https://warehouse.example.com/v1"
    kms_key_arn   = "arn:aws:kms:ap-south-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = (
      aws_secretsmanager_secret.warehouse[0].name == "dofs-warehouse-dev" && aws_secretsmanager_secret.warehouse[0].kms_key_id == var.kms_key_arn &&
      aws_secretsmanager_secret.warehouse[0].recovery_window_in_days == 0 && output.warehouse_secret_arn == aws_secretsmanager_secret.warehouse[0].arn
    )
    error_message = "The secret must have the documented name and the key, and in dev it must be possible to create it again."
  }

  assert {
    condition = (
      aws_lambda_function.orders.environment[0].variables["DOFS_WAREHOUSE_URL"] == "https://warehouse.example.com/v1" &&
      aws_lambda_function.orders.environment[0].variables["DOFS_WAREHOUSE_SECRET"] == aws_secretsmanager_secret.warehouse[0].arn
    )
    error_message = "The function must have the warehouse's URL, and the ARN of its secret."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_policy.function.policy).Statement : [statement.Action, statement.Resource]
      if contains(["WarehouseSecret", "Key"], statement.Sid)
      ] == [
      ["secretsmanager:GetSecretValue", aws_secretsmanager_secret.warehouse[0].arn],
      [["kms:Decrypt", "kms:GenerateDataKey"], var.kms_key_arn],
    ]
    error_message = "The function may read this secret, and decrypt it."
  }
}

run "only_the_events_of_the_warehouse_are_open_and_have_a_throttle_of_their_own" {
  variables {
    api_auth               = "api_key"
    operator_api           = true
    warehouse_url          = "https://warehouse.example.com"
    warehouse_events_rate  = 11
    warehouse_events_burst = 13
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.api_key_required == !(strcontains(name, " /console") || name == "POST /warehouse/events") && method.authorization == "NONE"
    ])
    error_message = "The warehouse must need no API key, whoever else needs one."
  }

  assert {
    condition = (
      aws_api_gateway_resource.warehouse[0].path_part == "warehouse" && aws_api_gateway_resource.warehouse_events[0].path_part == "events" &&
      aws_api_gateway_resource.warehouse_events[0].parent_id == aws_api_gateway_resource.warehouse[0].id &&
      aws_api_gateway_method.orders["POST /warehouse/events"].resource_id == aws_api_gateway_resource.warehouse_events[0].id &&
      aws_api_gateway_integration.function["POST /warehouse/events"].uri == aws_lambda_alias.live.invoke_arn
    )
    error_message = "The function must get the events at /warehouse/events."
  }

  assert {
    condition = (
      aws_api_gateway_method_settings.warehouse_events[0].method_path == "~1warehouse~1events/POST" &&
      aws_api_gateway_method_settings.warehouse_events[0].settings[0].throttling_rate_limit == 11 &&
      aws_api_gateway_method_settings.warehouse_events[0].settings[0].throttling_burst_limit == 13 &&
      aws_api_gateway_method_settings.warehouse_events[0].settings[0].logging_level == aws_api_gateway_method_settings.all.settings[0].logging_level &&
      aws_api_gateway_method_settings.warehouse_events[0].settings[0].metrics_enabled && !aws_api_gateway_method_settings.warehouse_events[0].settings[0].data_trace_enabled &&
      aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 100
    )
    error_message = "Events must have their own throttle, and the logs of every other route."
  }
}

run "events_of_the_warehouse_are_open_with_every_kind_of_authentication" {
  variables {
    api_auth              = "cognito"
    cognito_user_pool_arn = "arn:aws:cognito-idp:ap-south-1:123456789012:userpool/ap-south-1_abc"
    warehouse_url         = "https://warehouse.example.com"
    enable_waf            = true
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.authorization == (name == "POST /warehouse/events" ? "NONE" : "COGNITO_USER_POOLS")
    ])
    error_message = "The warehouse must need no token, and everybody else one."
  }

  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.api[0].rule :
      rule.statement[0].rate_based_statement[0].scope_down_statement[0].not_statement[0].statement[0].byte_match_statement[0].search_string
      if rule.name == "rate-per-address"
    ]) == "/warehouse/events"
    error_message = "The limit per address must not count the events of the warehouse."
  }
}

run "own_secret_of_the_warehouse_is_used" {
  variables {
    environment              = "prod"
    api_auth                 = "iam"
    warehouse_url            = "https://warehouse.example.com"
    warehouse_secret_arn     = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:dofs-own-AbCdEf"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
  }

  assert {
    condition     = length(aws_secretsmanager_secret.warehouse) == 0 && output.warehouse_secret_arn == var.warehouse_secret_arn
    error_message = "With warehouse_secret_arn, there must be no other secret."
  }

  assert {
    condition = (
      aws_lambda_function.orders.environment[0].variables["DOFS_WAREHOUSE_SECRET"] == var.warehouse_secret_arn &&
      [for statement in jsondecode(aws_iam_policy.function.policy).Statement : statement.Resource if statement.Sid == "WarehouseSecret"] == [var.warehouse_secret_arn]
    )
    error_message = "The function must have this secret, and may read only this one."
  }
}

run "secret_of_prod_can_be_recovered" {
  command = plan

  variables {
    environment   = "prod"
    api_auth      = "iam"
    warehouse_url = "https://warehouse.example.com"
  }

  assert {
    condition     = aws_secretsmanager_secret.warehouse[0].recovery_window_in_days == 30
    error_message = "In prod, a deleted secret must be recoverable."
  }
}

run "standard_workflow_logs_errors" {
  assert {
    condition     = aws_sfn_state_machine.orders.type == "STANDARD" && aws_sfn_state_machine.orders.logging_configuration[0].level == "ERROR"
    error_message = "A STANDARD workflow must log only errors: Step Functions keeps its history."
  }
}

run "express_workflow_logs_all_events_without_orders" {
  variables {
    workflow_type = "EXPRESS"
  }

  assert {
    condition = (
      aws_sfn_state_machine.orders.type == "EXPRESS" && aws_sfn_state_machine.orders.logging_configuration[0].level == "ALL" &&
      !aws_sfn_state_machine.orders.logging_configuration[0].include_execution_data
    )
    error_message = "An EXPRESS workflow must log all events, but no execution data."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.orders.definition).TimeoutSeconds == 300
    error_message = "The timeout must be 300 seconds, the limit of EXPRESS workflows."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.all["workflow-timeouts"].metric_name == "ExecutionsTimedOut"
    error_message = "An alarm must watch executions that time out."
  }
}

run "only_named_resources_can_invoke_the_function_or_assume_a_role" {
  assert {
    condition = (
      aws_lambda_permission.schedule.source_arn == aws_cloudwatch_event_rule.reconcile.arn && aws_lambda_permission.schedule.qualifier == "live" &&
      aws_lambda_permission.api.source_arn == "${aws_api_gateway_rest_api.orders.execution_arn}/*" && aws_lambda_permission.api.qualifier == "live"
    )
    error_message = "Only the schedule's rule and this API may invoke the alias."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.reconcile.schedule_expression == "rate(1 minute)" && aws_cloudwatch_event_rule.reconcile.state == "ENABLED" &&
      jsondecode(aws_cloudwatch_event_target.reconcile.input) == { dofs = { task = "reconcile" } }
    )
    error_message = "The schedule must invoke the reconciler once a minute."
  }

  assert {
    condition = jsondecode(aws_iam_role.function.assume_role_policy).Statement == [{
      Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole"
    }]
    error_message = "Only Lambda may assume the function's role."
  }

  assert {
    condition     = jsondecode(aws_iam_role.workflow.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:states:ap-south-1:123456789012:stateMachine:dofs-order-processing-dev"
    error_message = "Only this state machine may assume the workflow's role."
  }

  assert {
    condition     = jsondecode(aws_sns_topic_policy.alarms.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Only alarms of this account may publish to the topic."
  }
}

run "optional_features_are_off_by_default" {
  command = plan

  assert {
    condition = (
      length(aws_wafv2_web_acl.api) == 0 && length(aws_lambda_provisioned_concurrency_config.live) == 0 &&
      length(aws_lambda_function.orders.snap_start) == 0 && length(aws_codepipeline.delivery) == 0 && length(aws_api_gateway_usage_plan.callers) == 0 &&
      aws_lambda_function.orders.tracing_config[0].mode == "PassThrough" && !aws_dynamodb_table.orders.deletion_protection_enabled
    )
    error_message = "Paid features and deletion protection must be off in dev."
  }

  assert {
    condition     = alltrue([for name in keys(aws_api_gateway_method.orders) : !startswith(name, "OPTIONS")])
    error_message = "Without cors_origins, there must be no preflight routes."
  }
}

run "snap_start_can_be_enabled" {
  command = plan

  variables {
    lambda_snap_start = true
  }

  assert {
    condition     = aws_lambda_function.orders.snap_start[0].apply_on == "PublishedVersions"
    error_message = "lambda_snap_start must enable SnapStart for published versions."
  }
}

run "every_role_has_the_permissions_boundary" {
  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
    deploy_cicd_pipeline     = true
    github_repo_url          = "https://github.com/example/dofs"
  }

  assert {
    condition = alltrue([
      for role in concat([aws_iam_role.function, aws_iam_role.workflow], values(aws_iam_role.pipeline)) :
      role.permissions_boundary == var.permissions_boundary_arn
    ])
    error_message = "Every role must have the boundary: otherwise the deployment role cannot create it."
  }
}

run "optional_features_can_be_enabled" {
  variables {
    enable_waf                     = true
    enable_tracing                 = true
    enable_table_stream            = true
    lambda_provisioned_concurrency = 2
    workflow_type                  = "EXPRESS"
    kms_key_arn                    = "arn:aws:kms:ap-south-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = (
      length(aws_wafv2_web_acl.api) == 1 && length(aws_lambda_provisioned_concurrency_config.live) == 1 &&
      length(aws_wafv2_web_acl_association.api) == 1 && length(aws_cloudwatch_log_group.function.kms_key_id) > 0 &&
      aws_lambda_function.orders.tracing_config[0].mode == "Active" && aws_api_gateway_stage.orders.xray_tracing_enabled &&
      aws_dynamodb_table.orders.stream_enabled && aws_sfn_state_machine.orders.type == "EXPRESS" &&
      aws_sqs_queue.fulfillment.kms_master_key_id == var.kms_key_arn && aws_dynamodb_table.orders.server_side_encryption[0].kms_key_arn == var.kms_key_arn
    )
    error_message = "Each variable must enable its feature."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_policy.function.policy, aws_iam_role_policy.workflow.policy] :
      length([for statement in jsondecode(policy).Statement : statement if statement.Sid == "Traces" && contains(flatten([statement.Action]), "xray:PutTraceSegments")]) == 1
    ]) && aws_sfn_state_machine.orders.tracing_configuration[0].enabled
    error_message = "With tracing, the roles of the function and the workflow must be able to send traces."
  }
}

run "no_role_can_send_traces_without_tracing" {
  assert {
    condition = (
      !strcontains(aws_iam_policy.function.policy, "xray:") && !strcontains(aws_iam_role_policy.workflow.policy, "xray:") &&
      !aws_api_gateway_stage.orders.xray_tracing_enabled && length(aws_sfn_state_machine.orders.tracing_configuration) == 0
    )
    error_message = "Without enable_tracing, there must be no tracing and no permission for it."
  }
}
