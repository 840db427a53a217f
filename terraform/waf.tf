# An optional web ACL for the API.

resource "aws_wafv2_web_acl" "api" {
  # checkov:skip=CKV2_AWS_31: samples and metrics are on; full logs would hold customers' data
  count = var.enable_waf ? 1 : 0

  name  = local.names.rest_api
  scope = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "aws-common"
    priority = 1

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesCommonRuleSet"

        # This rule blocks bodies above 8 KiB; the API accepts 256 KiB.
        rule_action_override {
          name = "SizeRestrictions_BODY"

          action_to_use {
            count {}
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "aws-common"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "aws-known-bad-inputs"
    priority = 2

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesKnownBadInputsRuleSet"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "aws-known-bad-inputs"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "rate-per-address"
    priority = 3

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit              = 2000 # requests in five minutes
        aggregate_key_type = "IP"

        # A warehouse sends all of its events from few addresses. They have a throttle of their own in API Gateway.
        dynamic "scope_down_statement" {
          for_each = var.warehouse_url == null ? [] : [local.events_path]

          content {
            not_statement {
              statement {
                byte_match_statement {
                  search_string         = scope_down_statement.value
                  positional_constraint = "ENDS_WITH" # the stage, or the base path of a domain, is before it

                  field_to_match {
                    uri_path {}
                  }

                  text_transformation {
                    priority = 0
                    type     = "NONE"
                  }
                }
              }
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "rate-per-address"
      sampled_requests_enabled   = true
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = local.names.rest_api
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "api" {
  count = var.enable_waf ? 1 : 0

  resource_arn = aws_api_gateway_stage.orders.arn
  web_acl_arn  = aws_wafv2_web_acl.api[0].arn
}
