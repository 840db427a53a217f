# Creates the dashboard of dashboard.yaml: for each section a heading, and below it the widgets, three in a row.

locals {
  dashboard       = yamldecode(templatefile("${path.module}/dashboard.yaml", local.watched))
  heading_height  = 2
  widget_height   = 6
  widgets_per_row = 3
  widget_width    = 24 / local.widgets_per_row

  dashboard_tops = [
    for index in range(length(local.dashboard)) : sum(concat([0], [
      for part in slice(local.dashboard, 0, index) :
      local.heading_height + local.widget_height * ceil(length(part.widgets) / local.widgets_per_row)
    ]))
  ]

  dashboard_headings = [
    for index, part in local.dashboard : {
      type       = "text"
      x          = 0
      y          = local.dashboard_tops[index]
      width      = 24
      height     = local.heading_height
      properties = { markdown = "# ${part.heading}\n${part.text}" }
    }
  ]

  dashboard_widgets = flatten([
    for index, part in local.dashboard : [
      for place, widget in part.widgets : {
        type   = can(widget.alarms) ? "alarm" : "metric"
        x      = local.widget_width * (place % local.widgets_per_row)
        y      = local.dashboard_tops[index] + local.heading_height + local.widget_height * floor(place / local.widgets_per_row)
        width  = local.widget_width
        height = local.widget_height

        properties = merge(
          { for name, value in { region = local.region, period = 60, view = "timeSeries" } : name => value if !can(widget.alarms) },
          widget,
          { for name, value in { alarms = local.alarm_arns } : name => value if can(widget.alarms) },
        )
      }
    ]
  ])

  alarm_arns = [
    for name in values(local.alarm_names) : "${local.arn}:cloudwatch:${local.region}:${local.account}:alarm:${name}"
  ]
}

resource "aws_cloudwatch_dashboard" "orders" {
  dashboard_name = "${local.prefix}-${local.suffix}"
  dashboard_body = jsonencode({ widgets = concat(local.dashboard_headings, local.dashboard_widgets) })
}
