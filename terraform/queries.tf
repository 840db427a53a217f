# Saves the queries of queries.yaml in CloudWatch Logs Insights, for the function's log.

locals {
  log_queries = yamldecode(file("${path.module}/queries.yaml"))
}

resource "aws_cloudwatch_query_definition" "all" {
  for_each = local.log_queries

  name            = "${local.prefix}-${local.suffix}/${each.key}"
  query_string    = trimspace(each.value)
  log_group_names = [aws_cloudwatch_log_group.function.name]
}
