# Tests of the alarms, the dashboard, the saved queries and the format of the logs that these read.

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
}

variables {
  image_uri          = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  notification_email = "orders@example.com"
}

run "alarms_watch_documented_metrics_or_the_services_own" {
  command = plan

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.all : name => concat(
        alarm.metric_name == null ? [] : [[alarm.namespace, alarm.metric_name, join(" ", sort(keys(alarm.dimensions))), alarm.statistic]],
        [
          for query in alarm.metric_query : [query.metric[0].namespace, query.metric[0].metric_name, join(" ", sort(keys(query.metric[0].dimensions))), query.metric[0].stat]
          if length(query.metric) > 0
        ],
      )
      } == {
      dlq-depth                = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "Maximum"]]
      queue-age                = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "Maximum"]]
      lambda-errors            = [["AWS/Lambda", "Errors", "FunctionName", "Sum"], ["DOFS", "OrdersRejected", "environment", "Sum"]]
      lambda-throttles         = [["AWS/Lambda", "Throttles", "FunctionName", "Sum"]]
      api-5xx                  = [["AWS/ApiGateway", "5XXError", "ApiName Stage", "Average"]]
      workflow-failures        = [["AWS/States", "ExecutionsFailed", "StateMachineArn", "Sum"], ["DOFS", "OrdersRejected", "environment", "Sum"]]
      workflow-timeouts        = [["AWS/States", "ExecutionsTimedOut", "StateMachineArn", "Sum"]]
      success-rate             = [["DOFS", "OrdersFailed", "environment", "Sum"], ["DOFS", "OrdersFulfilled", "environment", "Sum"]]
      warehouse-brake          = [["DOFS", "WarehouseBrake", "environment", "Sum"]]
      warehouse-overdue        = [["DOFS", "WarehouseOverdue", "environment", "Sum"]]
      warehouse-failures       = [["DOFS", "OrdersFailedAtWarehouse", "environment", "Sum"], ["DOFS", "OrdersPartlyFulfilled", "environment", "Sum"]]
      unexpected-parcels       = [["DOFS", "UnexpectedParcels", "environment", "Sum"]]
      abandoned-orders         = [["DOFS", "AttemptsFailed", "environment reason", "Sum"]]
      delivery-conflicts       = [["DOFS", "DeliveryConflicts", "environment", "Sum"]]
      reconciler-silent        = [["DOFS", "ReconcilerRuns", "environment", "Sum"]]
      reconciler-interventions = [["DOFS", "ReconcilerInterventions", "environment", "Sum"]]
      unreadable-rows          = [["DOFS", "UnreadableRows", "environment", "Sum"]]
      table-throttles = [
        ["AWS/DynamoDB", "WriteThrottleEvents", "GlobalSecondaryIndexName TableName", "Sum"],
        ["AWS/DynamoDB", "WriteThrottleEvents", "GlobalSecondaryIndexName TableName", "Sum"],
        ["AWS/DynamoDB", "WriteThrottleEvents", "GlobalSecondaryIndexName TableName", "Sum"],
        ["AWS/DynamoDB", "WriteThrottleEvents", "GlobalSecondaryIndexName TableName", "Sum"],
        ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", "Sum"],
        ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", "Sum"],
      ]
      sns-failures = [["AWS/SNS", "NumberOfNotificationsFailed", "TopicName", "Sum"]]
    }
    error_message = "An alarm must watch these metrics, with these dimensions and statistics."
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.all :
      alarm.alarm_name == "dofs-${name}-dev" && length(alarm.alarm_description) <= 1024 &&
      endswith(alarm.alarm_description, "Runbook: docs/runbook.md#${name}")
    ])
    error_message = "An alarm must be named after the deployment, and its description must end with a link to the runbook."
  }
}

run "alarms_on_several_metrics_watch_one_expression" {
  command = plan

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.all : name => [for query in alarm.metric_query : query.expression if query.return_data == true]
      if length(alarm.metric_query) > 0
      } == {
      lambda-errors      = ["errors - 1.1 * FILL(rejected, 0)"]
      workflow-failures  = ["failed - 1.1 * FILL(rejected, 0)"]
      success-rate       = ["IF(FILL(fulfilled, 0) + failed >= 20, 100 * FILL(fulfilled, 0) / (FILL(fulfilled, 0) + failed), 100)"]
      warehouse-failures = ["FILL(failed, 0) + FILL(partly, 0)"]
      table-throttles    = ["FILL(orders, 0) + FILL(by_status, 0) + FILL(by_customer, 0) + FILL(by_owner, 0) + FILL(by_reference, 0) + FILL(failed_orders, 0)"]
    }
    error_message = "An alarm on several metrics must watch this one expression."
  }

  assert {
    condition = alltrue(flatten([
      for alarm in aws_cloudwatch_metric_alarm.all : [
        for query in alarm.metric_query : length(query.metric) == (query.return_data == true ? 0 : 1)
      ]
    ]))
    error_message = "Only the expression may return data; every other query must be a metric."
  }
}

run "alarms_have_their_thresholds_periods_and_handling_of_missing_data" {
  command = plan

  assert {
    condition     = [for name, alarm in aws_cloudwatch_metric_alarm.all : name if alarm.treat_missing_data != "notBreaching"] == ["reconciler-silent"]
    error_message = "Only the reconciler's alarm may treat missing data as breaching: the other metrics are missing in normal operation."
  }

  assert {
    condition = (
      [for name, alarm in aws_cloudwatch_metric_alarm.all : name if alarm.comparison_operator != "GreaterThanOrEqualToThreshold"] == ["reconciler-silent", "success-rate"] &&
      alltrue([for name in ["reconciler-silent", "success-rate"] : aws_cloudwatch_metric_alarm.all[name].comparison_operator == "LessThanThreshold"])
    )
    error_message = "Only these alarms may compare with LessThanThreshold."
  }

  assert {
    condition = {
      for name, alarm in aws_cloudwatch_metric_alarm.all : name => [alarm.threshold, coalesce(alarm.datapoints_to_alarm, alarm.evaluation_periods), alarm.evaluation_periods]
      } == {
      dlq-depth                = [5, 1, 1]
      queue-age                = [900, 1, 1]
      lambda-errors            = [1, 3, 3]
      lambda-throttles         = [1, 3, 3]
      api-5xx                  = [0.05, 2, 3]
      workflow-failures        = [1, 3, 3]
      workflow-timeouts        = [1, 1, 1]
      success-rate             = [90, 1, 1]
      warehouse-brake          = [1, 3, 3]
      warehouse-overdue        = [1, 1, 2]
      warehouse-failures       = [1, 1, 1]
      unexpected-parcels       = [1, 1, 1]
      abandoned-orders         = [1, 1, 1]
      delivery-conflicts       = [1, 1, 1]
      reconciler-silent        = [1, 5, 5]
      reconciler-interventions = [1, 1, 1]
      unreadable-rows          = [1, 1, 1]
      table-throttles          = [1, 3, 5]
      sns-failures             = [1, 1, 1]
    }
    error_message = "An alarm must have this threshold and these evaluation periods."
  }

  assert {
    condition = alltrue(flatten([
      for name, alarm in aws_cloudwatch_metric_alarm.all : [
        for period in alarm.metric_name == null ? [for query in alarm.metric_query : query.metric[0].period if length(query.metric) > 0] : [alarm.period] :
        period == lookup({ for each in ["abandoned-orders", "delivery-conflicts", "success-rate", "reconciler-interventions", "unreadable-rows", "unexpected-parcels", "warehouse-failures"] : each => 300 }, name, name == "warehouse-overdue" ? 3600 : 60)
      ]
    ]))
    error_message = "A data point must cover 60 seconds, 300 for seven alarms, or an hour for the one on overdue orders."
  }
}

run "variables_reach_alarms_and_dashboard" {
  command = plan

  variables {
    environment                 = "staging"
    project_name                = "shop"
    api_auth                    = "iam"
    success_rate_floor          = 75
    success_rate_minimum_orders = 7
    sqs_visibility_timeout      = 200
    enable_dlq_alerting         = false
  }

  assert {
    condition = (
      length(aws_cloudwatch_metric_alarm.all) == 18 && aws_cloudwatch_metric_alarm.all["queue-age"].threshold == 1000 &&
      aws_cloudwatch_metric_alarm.all["success-rate"].threshold == 75 &&
      strcontains(jsonencode(aws_cloudwatch_metric_alarm.all["success-rate"].metric_query[*].expression), "failed \\u003e= 7,") &&
      aws_cloudwatch_metric_alarm.all["reconciler-silent"].namespace == "SHOP" &&
      aws_cloudwatch_metric_alarm.all["reconciler-silent"].dimensions == tomap({ environment = "staging" })
    )
    error_message = "The variables must reach the alarms."
  }

  assert {
    condition = (
      aws_cloudwatch_dashboard.orders.dashboard_name == "shop-staging" && !strcontains(aws_cloudwatch_dashboard.orders.dashboard_body, "dofs-") &&
      !strcontains(aws_cloudwatch_dashboard.orders.dashboard_body, "dlq-depth")
    )
    error_message = "The dashboard must show only this deployment and existing alarms."
  }
}

run "dashboard_shows_every_resource_and_alarm" {
  command = plan

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.orders.dashboard_body).widgets : [
        for metric in try(widget.properties.metrics, []) : [
          for place, part in metric : part if place > 1 && place % 2 == 1 && contains(["QueueName", "FunctionName", "ApiName", "StateMachineArn", "TableName", "TopicName"], try(metric[place - 1], ""))
        ]
      ]
      ])) == toset([
      aws_sqs_queue.fulfillment.name, aws_sqs_queue.dead_letter.name, aws_lambda_function.orders.function_name, aws_api_gateway_rest_api.orders.name,
      "arn:aws:states:ap-south-1:123456789012:stateMachine:${aws_sfn_state_machine.orders.name}",
      aws_dynamodb_table.orders.name, aws_dynamodb_table.failed_orders.name, aws_sns_topic.alarms.name,
    ])
    error_message = "The dashboard must show exactly the deployment's resources."
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.orders.dashboard_body).widgets : try(widget.properties.alarms, [])
      ])) == toset([
      for alarm in aws_cloudwatch_metric_alarm.all : "arn:aws:cloudwatch:ap-south-1:123456789012:alarm:${alarm.alarm_name}"
    ])
    error_message = "The dashboard must show exactly the deployment's alarms."
  }

  assert {
    condition = [
      for widget in jsondecode(aws_cloudwatch_dashboard.orders.dashboard_body).widgets : split("\n", widget.properties.markdown)[0] if widget.type == "text"
    ] == ["# Business", "# Operations"]
    error_message = "The dashboard must have the sections Business and Operations."
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.orders.dashboard_body).widgets :
      widget.x >= 0 && widget.x + widget.width <= 24 && try(widget.properties.region, "ap-south-1") == "ap-south-1"
    ])
    error_message = "A widget must fit into the 24 columns and show this region."
  }

  # The number of grid cells under any widget equals the sum of the widgets' areas.
  assert {
    condition = length(distinct(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.orders.dashboard_body).widgets : [
        for cell in setproduct(range(widget.x, widget.x + widget.width), range(widget.y, widget.y + widget.height)) : "${cell[0]} ${cell[1]}"
      ]
      ]))) == sum([
      for widget in jsondecode(aws_cloudwatch_dashboard.orders.dashboard_body).widgets : widget.width * widget.height
    ])
    error_message = "Widgets must not overlap."
  }
}

run "log_queries_are_saved" {
  command = plan

  assert {
    condition = toset([for query in aws_cloudwatch_query_definition.all : query.name]) == toset([
      for name in ["one-order", "slowest", "failures-by-reason", "errors", "durations", "interventions", "suspects"] : "dofs-dev/${name}"
    ])
    error_message = "The saved queries must be exactly these."
  }

  assert {
    condition = alltrue([
      for query in aws_cloudwatch_query_definition.all :
      query.log_group_names == tolist([aws_cloudwatch_log_group.function.name]) && length(query.query_string) > 0
    ])
    error_message = "A query must read the function's log group."
  }
}

run "lambda_filters_no_log_lines_of_the_function" {
  command = plan

  assert {
    condition = (
      aws_lambda_function.orders.logging_config[0].log_format == "JSON" &&
      aws_lambda_function.orders.logging_config[0].log_group == aws_cloudwatch_log_group.function.name &&
      aws_lambda_function.orders.logging_config[0].application_log_level == "TRACE" &&
      aws_lambda_function.orders.logging_config[0].system_log_level == "INFO"
    )
    error_message = "Lambda must pass every line of the function, because metrics are log lines."
  }
}

run "log_level_sets_the_level_of_lambdas_own_lines" {
  command = plan

  variables {
    log_level = "WARNING"
  }

  assert {
    condition = (
      aws_lambda_function.orders.logging_config[0].system_log_level == "WARN" &&
      aws_lambda_function.orders.logging_config[0].application_log_level == "TRACE"
    )
    error_message = "Lambda must leave out its own INFO lines, and still pass every line of the function."
  }
}
