# Creates the alarms of alarms.yaml. Each notifies the topic when it enters the ALARM state and when it returns to OK.

locals {
  metrics_namespace = upper(var.project_name)

  # The values of the placeholders in alarms.yaml and dashboard.yaml.
  watched = {
    namespace           = local.metrics_namespace
    environment         = var.environment
    function            = local.names.function
    rest_api            = local.names.rest_api
    stage               = var.environment
    state_machine_arn   = local.state_machine_arn
    queue               = local.names.queue
    dead_letter_queue   = local.names.dead_letter_queue
    orders_table        = local.names.orders_table
    failed_orders_table = local.names.failed_orders_table
    alarm_topic         = local.names.alarm_topic

    dlq_alert_threshold         = var.dlq_alert_threshold
    queue_age_threshold         = 5 * var.sqs_visibility_timeout
    success_rate_floor          = var.success_rate_floor
    success_rate_minimum_orders = var.success_rate_minimum_orders
  }

  alarms = {
    for name, alarm in yamldecode(templatefile("${path.module}/alarms.yaml", local.watched)) :
    name => alarm if name != "dlq-depth" || var.enable_dlq_alerting
  }

  alarm_names = { for name in keys(local.alarms) : name => "${local.prefix}-${name}-${local.suffix}" }
}

resource "aws_cloudwatch_metric_alarm" "all" {
  for_each = local.alarms

  alarm_name          = local.alarm_names[each.key]
  alarm_description   = each.value.description
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = try(each.value.breaching, null) # null: all of them
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  namespace   = try(each.value.metric.namespace, null)
  metric_name = try(each.value.metric.name, null)
  dimensions  = try(each.value.metric.dimensions, null)
  statistic   = try(each.value.metric.statistic, null)
  period      = try(each.value.metric, null) == null ? null : each.value.period

  dynamic "metric_query" {
    for_each = try(each.value.metrics, {})

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        stat        = metric_query.value.statistic
        period      = each.value.period
      }
    }
  }

  dynamic "metric_query" {
    for_each = try([each.value.math], [])

    content {
      id          = "watched"
      expression  = metric_query.value
      label       = each.value.label
      return_data = true
    }
  }
}
