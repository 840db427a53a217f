# What is watched: alarms that tell the topic, and a dashboard. Each metric is one that AWS documents for its namespace.

locals {
  sqs_metric = "ApproximateNumberOfMessagesVisible"

  alarms = merge(var.enable_dlq_alerting ? {
    # NumberOfMessagesSent would not do: it does not count what SQS moves there itself.
    dlq-depth = {
      description = "Orders failed for good: list those that are FAILED, mend the cause, send them again."
      namespace   = "AWS/SQS"
      metric      = local.sqs_metric
      dimensions  = { QueueName = local.names.dead_letter_queue }
      statistic   = "Maximum"
      threshold   = var.dlq_alert_threshold
      periods     = 1
    }
    } : {}, {
    queue-age = {
      description = "Messages wait: fulfillment is slower than orders come, or does not run. Look at the function's errors and throttles."
      namespace   = "AWS/SQS"
      metric      = "ApproximateAgeOfOldestMessage"
      dimensions  = { QueueName = local.names.queue }
      statistic   = "Maximum"
      threshold   = 5 * var.sqs_visibility_timeout
      periods     = 1
    }
    lambda-throttles = {
      description = "Invocations are refused: the account's or the function's concurrency is used up. Nothing is lost; raise the limit."
      namespace   = "AWS/Lambda"
      metric      = "Throttles"
      dimensions  = { FunctionName = local.names.function }
      statistic   = "Sum"
      threshold   = 1
      periods     = 3
    }
    api-5xx = {
      description = "The API answers with errors of its own: look at the function's log for the time."
      namespace   = "AWS/ApiGateway"
      metric      = "5XXError"
      dimensions  = { ApiName = local.names.rest_api, Stage = var.environment }
      statistic   = "Sum"
      threshold   = 5
      periods     = 1
    }
    workflow-timeouts = {
      description = "Executions ran into their time limit: their orders stay where they are, and the reconciler starts them again."
      namespace   = "AWS/States"
      metric      = "ExecutionsTimedOut"
      dimensions  = { StateMachineArn = local.state_machine_arn }
      statistic   = "Sum"
      threshold   = 1
      periods     = 1
    }
    index-throttles = {
      description = "The index of the states refuses writes: one status takes too many. Raise status_shards."
      namespace   = "AWS/DynamoDB"
      metric      = "WriteThrottleEvents"
      dimensions  = { TableName = local.names.orders_table, GlobalSecondaryIndexName = "by-status" }
      statistic   = "Sum"
      threshold   = 1
      periods     = 3
    }
    table-throttles = {
      description = "DynamoDB refuses writes of orders: they are tried again. Orders come faster than the table has grown yet."
      namespace   = "AWS/DynamoDB"
      metric      = "WriteThrottleEvents"
      dimensions  = { TableName = local.names.orders_table }
      statistic   = "Sum"
      threshold   = 1
      periods     = 3
    }
  })
}

resource "aws_cloudwatch_metric_alarm" "all" {
  for_each = local.alarms

  alarm_name          = "${local.prefix}-${each.key}-${local.suffix}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 60
  evaluation_periods  = each.value.periods
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

locals {
  dashboard = {
    "API: requests and errors" = [
      ["AWS/ApiGateway", "Count", "ApiName", local.names.rest_api, "Stage", var.environment, { stat = "Sum" }],
      ["AWS/ApiGateway", "4XXError", "ApiName", local.names.rest_api, "Stage", var.environment, { stat = "Sum" }],
      ["AWS/ApiGateway", "5XXError", "ApiName", local.names.rest_api, "Stage", var.environment, { stat = "Sum" }],
    ]
    "API: latency" = [
      for percentile in ["p50", "p95", "p99"] :
      ["AWS/ApiGateway", "Latency", "ApiName", local.names.rest_api, "Stage", var.environment, { stat = percentile, label = percentile }]
    ]
    "Function: invocations, errors, throttles" = [
      for metric in ["Invocations", "Errors", "Throttles"] :
      ["AWS/Lambda", metric, "FunctionName", local.names.function, { stat = "Sum" }]
    ]
    "Function: duration and concurrency" = [
      ["AWS/Lambda", "Duration", "FunctionName", local.names.function, { stat = "p95" }],
      ["AWS/Lambda", "ConcurrentExecutions", "FunctionName", local.names.function, { stat = "Maximum", yAxis = "right" }],
    ]
    "Workflow: executions" = [
      for metric in ["ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut"] :
      ["AWS/States", metric, "StateMachineArn", local.state_machine_arn, { stat = "Sum" }]
    ]
    "Queue: waiting, in flight, age" = [
      ["AWS/SQS", local.sqs_metric, "QueueName", local.names.queue, { stat = "Maximum" }],
      ["AWS/SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", local.names.queue, { stat = "Maximum" }],
      ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", local.names.queue, { stat = "Maximum", yAxis = "right" }],
    ]
    "Dead-letter queue: depth" = [
      ["AWS/SQS", local.sqs_metric, "QueueName", local.names.dead_letter_queue, { stat = "Maximum" }],
    ]
    "Orders table: consumed and throttled" = [
      ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", local.names.orders_table, { stat = "Sum" }],
      ["AWS/DynamoDB", "ConsumedReadCapacityUnits", "TableName", local.names.orders_table, { stat = "Sum" }],
      ["AWS/DynamoDB", "WriteThrottleEvents", "TableName", local.names.orders_table, { stat = "Sum", yAxis = "right" }],
    ]
  }
}

resource "aws_cloudwatch_dashboard" "orders" {
  dashboard_name = "${local.prefix}-${local.suffix}"

  dashboard_body = jsonencode({
    widgets = [
      for index, title in keys(local.dashboard) : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = title
          metrics = local.dashboard[title]
          region  = local.region
          period  = 60
          view    = "timeSeries"
        }
      }
    ]
  })
}
