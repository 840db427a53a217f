# Runs the reconciler, which recovers stuck orders, once a minute. The function's resource policy admits the rule, so the
# rule needs no role.

resource "aws_cloudwatch_event_rule" "reconcile" {
  name                = local.names.rule
  description         = "Runs the reconciler, which recovers stuck orders."
  schedule_expression = "rate(1 minute)"
  state               = "ENABLED"
}

resource "aws_cloudwatch_event_target" "reconcile" {
  rule      = aws_cloudwatch_event_rule.reconcile.name
  target_id = "reconcile"
  arn       = aws_lambda_alias.live.arn
  input     = jsonencode({ dofs = { task = "reconcile" } })
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.orders.function_name
  qualifier     = aws_lambda_alias.live.name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.reconcile.arn
}

# A late or failed run is dropped, because the next run does its work.
resource "aws_lambda_function_event_invoke_config" "reconcile" {
  function_name                = aws_lambda_function.orders.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = 60
  maximum_retry_attempts       = 0
}
