# What the rest of the system, its users and its operators rely on. Nothing here talks to AWS.

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

  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:ap-south-1:123456789012:regional/webacl/mocked/mocked" }
  }
}

variables {
  image_uri          = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  notification_email = "orders@example.com"
}

run "it_has_the_names_that_users_know" {
  assert {
    condition     = aws_dynamodb_table.orders.name == "dofs-orders-dev" && aws_dynamodb_table.failed_orders.name == "dofs-failed-orders-dev"
    error_message = "The tables are called otherwise."
  }

  assert {
    condition     = aws_iam_role.function.name == "dofs-lambda-execution-role-dev" && aws_iam_policy.function.name == "dofs-lambda-policy-dev"
    error_message = "The function's role or policy is called otherwise."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function.name == "/aws/lambda/dofs-orders-dev" && aws_cloudwatch_log_group.workflow.name == "/aws/stepfunctions/dofs-order-processing-dev"
    error_message = "A log group is called otherwise."
  }

  assert {
    condition     = aws_lambda_function.orders.environment[0].variables["DOFS_STATE_MACHINE_ARN"] == "arn:aws:states:ap-south-1:123456789012:stateMachine:${aws_sfn_state_machine.orders.name}"
    error_message = "The function looks for another state machine than there is."
  }
}

run "the_defaults_are_those_that_are_documented" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.orders.timeout == 30 &&
      aws_lambda_function.orders.memory_size == 256 &&
      aws_sqs_queue.fulfillment.visibility_timeout_seconds == 180 &&
      var.environment == "dev" && var.aws_region == "ap-south-1" && var.project_name == "dofs" &&
      var.sqs_max_receive_count == 3 && var.enable_dlq_alerting && var.dlq_alert_threshold == 5 && !var.deploy_cicd_pipeline
    )
    error_message = "A default is another."
  }
}

run "what_fails_three_times_goes_to_the_dead_letter_queue_and_is_kept_there_longer" {
  assert {
    condition     = jsondecode(aws_sqs_queue.fulfillment.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letter.arn, maxReceiveCount = 3 }
    error_message = "The redrive policy is another."
  }

  assert {
    condition     = aws_sqs_queue.fulfillment.message_retention_seconds == 345600 && aws_sqs_queue.dead_letter.message_retention_seconds == 1209600
    error_message = "Retention must be 4 days on the queue, and 14 on the dead-letter queue."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.dead_letter.redrive_allow_policy) == { redrivePermission = "byQueue", sourceQueueArns = ["arn:aws:sqs:ap-south-1:123456789012:dofs-fulfillment-dev"] }
    error_message = "Any queue may move messages to the dead-letter queue."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.fulfillment.function_response_types == toset(["ReportBatchItemFailures"])
    error_message = "Without partial failures, one bad message fails its batch."
  }
}

run "everything_invokes_the_alias" {
  assert {
    condition     = aws_lambda_event_source_mapping.fulfillment.function_name == aws_lambda_alias.live.arn && aws_cloudwatch_event_target.reconcile.arn == aws_lambda_alias.live.arn
    error_message = "The queue or the schedule invokes something else."
  }

  assert {
    condition     = alltrue([for each in aws_api_gateway_integration.function : each.uri == aws_lambda_alias.live.invoke_arn])
    error_message = "The API invokes something else."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.orders.definition).States.ValidateOrder.Parameters.FunctionName == aws_lambda_alias.live.arn
    error_message = "The workflow invokes something else."
  }

  assert {
    condition     = aws_lambda_alias.live.function_version == aws_lambda_function.orders.version && aws_lambda_function.orders.publish
    error_message = "The alias must point at a published version."
  }
}

run "the_alarm_on_the_dead_letter_queue_watches_its_depth_and_tells_the_topic" {
  assert {
    condition = (
      aws_cloudwatch_metric_alarm.all["dlq-depth"].namespace == "AWS/SQS" &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].metric_name == "ApproximateNumberOfMessagesVisible" &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].dimensions == tomap({ QueueName = "dofs-fulfillment-dlq-dev" }) &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].statistic == "Maximum" &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].threshold == 5 &&
      aws_cloudwatch_metric_alarm.all["dlq-depth"].treat_missing_data == "notBreaching"
    )
    error_message = "The alarm cannot go off as it should."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.all :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.ok_actions == toset([aws_sns_topic.alarms.arn])
    ])
    error_message = "An alarm tells nobody, or does not say that it is over."
  }

  assert {
    condition     = aws_sns_topic_subscription.email.endpoint == "orders@example.com" && aws_sns_topic_subscription.email.protocol == "email"
    error_message = "The topic tells somebody else."
  }
}

run "the_alarm_on_the_dead_letter_queue_can_be_switched_off" {
  command = plan

  variables {
    enable_dlq_alerting = false
  }

  assert {
    condition     = !contains(keys(aws_cloudwatch_metric_alarm.all), "dlq-depth") && length(aws_cloudwatch_metric_alarm.all) > 0
    error_message = "The switch does not work, or switches off too much."
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
    error_message = "The function may do more than it has to."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.workflow.policy).Statement :
      !strcontains(jsonencode(statement.Action), "*") && (statement.Resource != "*" || statement.Sid == "LogDelivery")
    ])
    error_message = "The workflow may do more than it has to."
  }

  assert {
    condition     = jsondecode(aws_iam_role.workflow.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Another account's state machine could use the role."
  }
}

run "an_order_is_no_business_of_the_logs" {
  assert {
    condition     = !aws_sfn_state_machine.orders.logging_configuration[0].include_execution_data && !aws_api_gateway_method_settings.all.settings[0].data_trace_enabled
    error_message = "Orders end up in a log."
  }

  assert {
    condition     = alltrue([for group in [aws_cloudwatch_log_group.function, aws_cloudwatch_log_group.workflow, aws_cloudwatch_log_group.api] : group.retention_in_days == 30])
    error_message = "A log is kept for ever."
  }
}

run "a_body_is_validated_and_a_preflight_is_open_whoever_may_call" {
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
    error_message = "The body of an order is not checked."
  }

  assert {
    condition     = contains(keys(aws_api_gateway_method.orders), "OPTIONS /order") && contains(keys(aws_api_gateway_method.orders), "OPTIONS /{proxy+}")
    error_message = "A browser cannot ask whether it may call."
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.authorization == (startswith(name, "OPTIONS") ? "NONE" : "AWS_IAM")
    ])
    error_message = "A route is open, or a preflight is not."
  }

  assert {
    condition = alltrue([
      for response in aws_api_gateway_gateway_response.problem :
      response.response_parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == "'https://shop.example.com'"
    ])
    error_message = "A browser cannot read the gateway's own answers."
  }

  assert {
    condition     = aws_dynamodb_table.orders.deletion_protection_enabled && aws_dynamodb_table.failed_orders.deletion_protection_enabled
    error_message = "In prod, a table can be deleted by mistake."
  }

  assert {
    condition     = aws_dynamodb_table.orders.point_in_time_recovery[0].enabled && aws_dynamodb_table.failed_orders.point_in_time_recovery[0].enabled
    error_message = "A table cannot be restored."
  }
}

run "with_api_keys_every_route_but_a_preflight_asks_for_one" {
  variables {
    api_auth = "api_key"
  }

  assert {
    condition     = alltrue([for name, method in aws_api_gateway_method.orders : method.api_key_required == !startswith(name, "OPTIONS")])
    error_message = "A route asks for no key."
  }

  assert {
    condition     = one(aws_api_gateway_usage_plan.callers[0].api_stages).stage == "dev" && length(aws_api_gateway_usage_plan_key.first) == 1
    error_message = "Without a usage plan of the stage no key is worth anything."
  }

  assert {
    condition     = strcontains(output.try_it, "X-Api-Key")
    error_message = "The first order would be refused."
  }
}

run "with_cognito_every_route_but_a_preflight_asks_for_a_token" {
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
}

run "without_operators_there_is_no_console" {
  variables {
    api_auth = "iam"
  }

  assert {
    condition     = length(aws_api_gateway_resource.console) == 0 && alltrue([for name in keys(aws_api_gateway_method.orders) : !strcontains(name, "console")])
    error_message = "The console is served to nobody's use."
  }
}

run "for_operators_the_page_is_open_and_nothing_that_it_asks_for" {
  variables {
    api_auth     = "api_key"
    operator_api = true
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      method.api_key_required == !startswith(name, "GET /console")
    ])
    error_message = "The page asks for a key, or something else does not."
  }

  assert {
    condition = (
      toset([for name in keys(aws_api_gateway_method.orders) : name if strcontains(name, "console")]) == toset(["GET /console", "GET /console/{proxy+}"]) &&
      aws_api_gateway_resource.console_files[0].path_part == "{proxy+}" && aws_api_gateway_resource.console[0].path_part == "console"
    )
    error_message = "The page or its files cannot be had."
  }
}

run "every_variable_lands_where_it_belongs" {
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
    sqs_max_receive_count       = 5
    sqs_batch_size              = 4
    sqs_batch_window            = 2
    sqs_maximum_concurrency     = 20
    status_shards               = 16
    previous_status_shards      = 8
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
      DOFS_OPERATOR_API             = "on"
      DOFS_CORS_ORIGINS             = "https://a.example.com,https://b.example.com"
      DOFS_LOG_LEVEL                = "WARNING"
      DOFS_METRICS_NAMESPACE        = "SHOP"
      DOFS_MAX_ATTEMPTS             = "5"
      DOFS_VISIBILITY_TIMEOUT       = "240"
      DOFS_FUNCTION_TIMEOUT         = "20"
      DOFS_STATUS_SHARDS            = "16"
      DOFS_PREVIOUS_STATUS_SHARDS   = "8"
      DOFS_FULFILLMENT_SUCCESS_RATE = "0.5"
    })
    error_message = "The function is given something else."
  }

  assert {
    condition = (
      aws_lambda_function.orders.timeout == 20 && aws_lambda_function.orders.memory_size == 512 &&
      aws_lambda_function.orders.architectures == tolist(["arm64"]) && aws_lambda_function.orders.reserved_concurrent_executions == 50 &&
      aws_lambda_function.orders.image_uri == var.image_uri
    )
    error_message = "The function is another."
  }

  assert {
    condition = (
      aws_sqs_queue.fulfillment.visibility_timeout_seconds == 240 &&
      jsondecode(aws_sqs_queue.fulfillment.redrive_policy).maxReceiveCount == 5 &&
      aws_lambda_event_source_mapping.fulfillment.batch_size == 4 &&
      aws_lambda_event_source_mapping.fulfillment.maximum_batching_window_in_seconds == 2 &&
      aws_lambda_event_source_mapping.fulfillment.scaling_config[0].maximum_concurrency == 20
    )
    error_message = "The queue or its mapping is another."
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
    error_message = "The stage is another."
  }

  assert {
    condition = alltrue([
      for name, method in aws_api_gateway_method.orders :
      startswith(name, "OPTIONS") || startswith(name, "GET /console") || method.authorizer_id == aws_api_gateway_authorizer.cognito[0].id
    ])
    error_message = "A route does not ask the user pool."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.all["dlq-depth"].threshold == 2
    error_message = "The alarm's threshold is another."
  }

  assert {
    condition = alltrue([
      for group in [aws_cloudwatch_log_group.function, aws_cloudwatch_log_group.workflow, aws_cloudwatch_log_group.api, aws_cloudwatch_log_group.api_errors] :
      group.retention_in_days == 7
    ])
    error_message = "A log is kept for longer."
  }

  assert {
    condition = (
      aws_sfn_state_machine.orders.type == "EXPRESS" && aws_sfn_state_machine.orders.logging_configuration[0].level == "ALL" &&
      aws_sfn_state_machine.orders.tracing_configuration[0].enabled
    )
    error_message = "The workflow is another."
  }
}

run "a_standard_workflow_logs_its_failures" {
  assert {
    condition     = aws_sfn_state_machine.orders.type == "STANDARD" && aws_sfn_state_machine.orders.logging_configuration[0].level == "ERROR"
    error_message = "Step Functions keeps the history; what goes well needs no log."
  }
}

run "an_express_workflow_logs_everything_but_orders_and_ends_in_time" {
  variables {
    workflow_type = "EXPRESS"
  }

  assert {
    condition = (
      aws_sfn_state_machine.orders.type == "EXPRESS" && aws_sfn_state_machine.orders.logging_configuration[0].level == "ALL" &&
      !aws_sfn_state_machine.orders.logging_configuration[0].include_execution_data
    )
    error_message = "Nothing tells what became of an execution, or an order is in its log."
  }

  assert {
    condition     = jsondecode(aws_sfn_state_machine.orders.definition).TimeoutSeconds == 300
    error_message = "Step Functions ends it after five minutes, whatever longer time is written there."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.all["workflow-timeouts"].metric_name == "ExecutionsTimedOut"
    error_message = "Nobody hears of executions that are ended."
  }
}

run "who_invokes_the_function_is_named" {
  assert {
    condition = (
      aws_lambda_permission.schedule.source_arn == aws_cloudwatch_event_rule.reconcile.arn && aws_lambda_permission.schedule.qualifier == "live" &&
      aws_lambda_permission.api.source_arn == "${aws_api_gateway_rest_api.orders.execution_arn}/*" && aws_lambda_permission.api.qualifier == "live"
    )
    error_message = "Another rule or another API could invoke the function."
  }

  assert {
    condition = (
      aws_cloudwatch_event_rule.reconcile.schedule_expression == "rate(1 minute)" && aws_cloudwatch_event_rule.reconcile.state == "ENABLED" &&
      jsondecode(aws_cloudwatch_event_target.reconcile.input) == { dofs = { task = "reconcile" } }
    )
    error_message = "The reconciler does not run once a minute."
  }

  assert {
    condition = jsondecode(aws_iam_role.function.assume_role_policy).Statement == [{
      Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole"
    }]
    error_message = "Somebody else can have the function's role."
  }

  assert {
    condition     = jsondecode(aws_iam_role.workflow.assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:states:ap-south-1:123456789012:stateMachine:dofs-order-processing-dev"
    error_message = "Another state machine can have the workflow's role."
  }

  assert {
    condition     = jsondecode(aws_sns_topic_policy.alarms.policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Another account's alarms can write to the topic."
  }
}

run "what_is_optional_is_off_until_it_is_asked_for" {
  command = plan

  assert {
    condition = (
      length(aws_wafv2_web_acl.api) == 0 && length(aws_lambda_provisioned_concurrency_config.live) == 0 &&
      length(aws_lambda_function.orders.snap_start) == 0 && length(aws_codepipeline.delivery) == 0 && length(aws_api_gateway_usage_plan.callers) == 0 &&
      aws_lambda_function.orders.tracing_config[0].mode == "PassThrough" && !aws_dynamodb_table.orders.deletion_protection_enabled
    )
    error_message = "Something that costs money is on, or dev is protected."
  }

  assert {
    condition     = alltrue([for name in keys(aws_api_gateway_method.orders) : !startswith(name, "OPTIONS")])
    error_message = "Without origins, nobody has to ask without saying who it is."
  }
}

run "snap_start_can_be_switched_on" {
  command = plan

  variables {
    lambda_snap_start = true
  }

  assert {
    condition     = aws_lambda_function.orders.snap_start[0].apply_on == "PublishedVersions"
    error_message = "The switch does nothing."
  }
}

run "every_role_has_the_boundary_that_is_given" {
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
    error_message = "A role has no boundary, and the role that deploys could not make it."
  }
}

run "what_is_optional_can_be_switched_on" {
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
    error_message = "A switch does nothing."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_policy.function.policy, aws_iam_role_policy.workflow.policy] :
      length([for statement in jsondecode(policy).Statement : statement if statement.Sid == "Traces" && contains(flatten([statement.Action]), "xray:PutTraceSegments")]) == 1
    ]) && aws_sfn_state_machine.orders.tracing_configuration[0].enabled
    error_message = "Traces are on, and nobody may send them."
  }
}

run "without_tracing_nobody_may_send_traces" {
  assert {
    condition = (
      !strcontains(aws_iam_policy.function.policy, "xray:") && !strcontains(aws_iam_role_policy.workflow.policy, "xray:") &&
      !aws_api_gateway_stage.orders.xray_tracing_enabled && length(aws_sfn_state_machine.orders.tracing_configuration) == 0
    )
    error_message = "Tracing is on unasked."
  }
}
