# What is refused at plan, before anything is touched: every validation of every variable has a case here.

mock_provider "aws" {}

variables {
  image_uri          = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  notification_email = "orders@example.com"
}

run "the_visibility_timeout_is_six_times_the_functions_at_least" {
  command = plan

  variables {
    sqs_visibility_timeout = 179
  }

  expect_failures = [var.sqs_visibility_timeout]
}

run "a_longer_timeout_needs_a_longer_visibility_timeout" {
  command = plan

  variables {
    lambda_timeout = 60
  }

  expect_failures = [var.sqs_visibility_timeout]
}

run "a_visibility_timeout_ends_after_twelve_hours" {
  command = plan

  variables {
    sqs_visibility_timeout = 43201
  }

  expect_failures = [var.sqs_visibility_timeout]
}

run "an_open_api_is_refused_in_staging" {
  command = plan

  variables {
    environment = "staging"
  }

  expect_failures = [var.api_auth]
}

run "an_open_api_is_refused_in_prod" {
  command = plan

  variables {
    environment = "prod"
  }

  expect_failures = [var.api_auth]
}

run "an_unknown_kind_of_authentication_is_refused" {
  command = plan

  variables {
    api_auth = "magic"
  }

  expect_failures = [var.api_auth]
}

run "cognito_needs_its_user_pool" {
  command = plan

  variables {
    api_auth = "cognito"
  }

  expect_failures = [var.cognito_user_pool_arn]
}

run "a_user_pool_without_cognito_is_a_mistake" {
  command = plan

  variables {
    cognito_user_pool_arn = "arn:aws:cognito-idp:ap-south-1:123456789012:userpool/x"
  }

  expect_failures = [var.cognito_user_pool_arn]
}

run "an_image_by_tag_is_refused" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs:latest"
  }

  expect_failures = [var.image_uri]
}

run "an_image_from_elsewhere_is_refused" {
  command = plan

  variables {
    image_uri = "docker.io/library/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  }

  expect_failures = [var.image_uri]
}

run "an_environment_is_dev_staging_or_prod" {
  command = plan

  variables {
    environment = "test"
  }

  expect_failures = [var.environment]
}

run "a_region_is_a_code" {
  command = plan

  variables {
    aws_region = "Mumbai"
  }

  expect_failures = [var.aws_region]
}

run "a_project_has_a_short_name" {
  command = plan

  variables {
    project_name = "Distributed Orders"
  }

  expect_failures = [var.project_name]
}

run "somebody_has_to_be_told" {
  command = plan

  variables {
    notification_email = "nobody"
  }

  expect_failures = [var.notification_email]
}

run "a_batch_needs_time" {
  command = plan

  variables {
    lambda_timeout = 5
  }

  expect_failures = [var.lambda_timeout]
}

run "memory_has_a_minimum" {
  command = plan

  variables {
    lambda_memory_size = 64
  }

  expect_failures = [var.lambda_memory_size]
}

run "an_architecture_is_one_of_two" {
  command = plan

  variables {
    lambda_architecture = "riscv"
  }

  expect_failures = [var.lambda_architecture]
}

run "too_little_concurrency_is_refused" {
  command = plan

  variables {
    lambda_reserved_concurrency = 3
  }

  expect_failures = [var.lambda_reserved_concurrency]
}

run "provisioned_concurrency_is_not_negative" {
  command = plan

  variables {
    lambda_provisioned_concurrency = -1
  }

  expect_failures = [var.lambda_provisioned_concurrency]
}

run "a_log_level_is_one_of_four" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}

run "a_success_rate_is_a_share" {
  command = plan

  variables {
    fulfillment_success_rate = 70
  }

  expect_failures = [var.fulfillment_success_rate]
}

run "an_order_has_one_attempt_at_least" {
  command = plan

  variables {
    sqs_max_receive_count = 0
  }

  expect_failures = [var.sqs_max_receive_count]
}

run "a_batch_has_ten_messages_at_most" {
  command = plan

  variables {
    sqs_batch_size = 100
  }

  expect_failures = [var.sqs_batch_size]
}

run "a_batch_window_is_short" {
  command = plan

  variables {
    sqs_batch_window = 300
  }

  expect_failures = [var.sqs_batch_window]
}

run "aws_wants_two_batches_at_least" {
  command = plan

  variables {
    sqs_maximum_concurrency = 1
  }

  expect_failures = [var.sqs_maximum_concurrency]
}

run "there_is_one_partition_at_least" {
  command = plan

  variables {
    status_shards = 0
  }

  expect_failures = [var.status_shards]
}

run "there_was_one_partition_at_least" {
  command = plan

  variables {
    previous_status_shards = 0
  }

  expect_failures = [var.previous_status_shards]
}

run "a_key_is_an_arn" {
  command = plan

  variables {
    kms_key_arn = "alias/mine"
  }

  expect_failures = [var.kms_key_arn]
}

run "a_workflow_is_standard_or_express" {
  command = plan

  variables {
    workflow_type = "FAST"
  }

  expect_failures = [var.workflow_type]
}

run "no_origin_is_a_wildcard" {
  command = plan

  variables {
    cors_origins = ["*"]
  }

  expect_failures = [var.cors_origins]
}

run "an_origin_has_no_path" {
  command = plan

  variables {
    cors_origins = ["https://shop.example.com/"]
  }

  expect_failures = [var.cors_origins]
}

run "somebody_must_be_able_to_call" {
  command = plan

  variables {
    api_throttling_rate = 0
  }

  expect_failures = [var.api_throttling_rate]
}

run "something_must_be_able_to_burst" {
  command = plan

  variables {
    api_throttling_burst = 0
  }

  expect_failures = [var.api_throttling_burst]
}

run "retention_is_one_that_cloudwatch_knows" {
  command = plan

  variables {
    log_retention_days = 31
  }

  expect_failures = [var.log_retention_days]
}

run "an_alarm_at_nothing_is_always_on" {
  command = plan

  variables {
    dlq_alert_threshold = 0
  }

  expect_failures = [var.dlq_alert_threshold]
}

run "a_pipeline_needs_its_repository" {
  command = plan

  variables {
    deploy_cicd_pipeline     = true
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
  }

  expect_failures = [var.github_repo_url]
}

run "a_pipeline_needs_the_boundary" {
  command = plan

  variables {
    deploy_cicd_pipeline = true
    github_repo_url      = "https://github.com/example/dofs"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "a_connection_is_one_of_codeconnections" {
  command = plan

  variables {
    codeconnection_arn = "arn:aws:iam::123456789012:role/dofs"
  }

  expect_failures = [var.codeconnection_arn]
}

run "a_connection_is_in_the_region" {
  command = plan

  variables {
    codeconnection_arn = "arn:aws:codeconnections:eu-west-1:123456789012:connection/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [var.codeconnection_arn]
}

run "a_boundary_is_a_policy" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:role/dofs"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "a_repository_is_on_github" {
  command = plan

  variables {
    github_repo_url = "git@github.com:me/dofs.git"
  }

  expect_failures = [var.github_repo_url]
}

run "an_image_is_in_the_region" {
  command = plan

  variables {
    aws_region = "eu-west-1"
  }

  expect_failures = [var.image_uri]
}

run "a_digest_is_whole" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:00"
  }

  expect_failures = [var.image_uri]
}

run "the_batch_window_counts_too" {
  command = plan

  variables {
    sqs_batch_window = 1
  }

  expect_failures = [var.sqs_visibility_timeout]
}

run "snap_start_and_provisioned_concurrency_exclude_each_other" {
  command = plan

  variables {
    lambda_snap_start              = true
    lambda_provisioned_concurrency = 1
  }

  expect_failures = [var.lambda_snap_start]
}

run "what_is_provisioned_is_reserved" {
  command = plan

  variables {
    lambda_reserved_concurrency    = 10
    lambda_provisioned_concurrency = 11
  }

  expect_failures = [var.lambda_provisioned_concurrency]
}

run "the_queue_does_not_take_all_that_is_reserved" {
  command = plan

  variables {
    lambda_reserved_concurrency = 10
    sqs_maximum_concurrency     = 10
  }

  expect_failures = [var.sqs_maximum_concurrency]
}

run "nine_are_too_few" {
  command = plan

  variables {
    lambda_reserved_concurrency = 9
  }

  expect_failures = [var.lambda_reserved_concurrency]
}

run "a_timeout_ends_after_fifteen_minutes" {
  command = plan

  variables {
    lambda_timeout         = 901
    sqs_visibility_timeout = 6000
  }

  expect_failures = [var.lambda_timeout]
}

run "a_timeout_is_whole_seconds" {
  command = plan

  variables {
    lambda_timeout = 10.5
  }

  expect_failures = [var.lambda_timeout]
}

run "memory_has_a_maximum" {
  command = plan

  variables {
    lambda_memory_size = 10241
  }

  expect_failures = [var.lambda_memory_size]
}

run "an_order_has_a_hundred_attempts_at_most" {
  command = plan

  variables {
    sqs_max_receive_count = 101
  }

  expect_failures = [var.sqs_max_receive_count]
}

run "attempts_are_whole" {
  command = plan

  variables {
    sqs_max_receive_count = 2.5
  }

  expect_failures = [var.sqs_max_receive_count]
}

run "a_batch_has_one_message_at_least" {
  command = plan

  variables {
    sqs_batch_size = 0
  }

  expect_failures = [var.sqs_batch_size]
}

run "a_batch_window_is_not_negative" {
  command = plan

  variables {
    sqs_batch_window = -1
  }

  expect_failures = [var.sqs_batch_window]
}

run "aws_wants_a_thousand_batches_at_most" {
  command = plan

  variables {
    sqs_maximum_concurrency = 1001
  }

  expect_failures = [var.sqs_maximum_concurrency]
}

run "there_are_256_partitions_at_most" {
  command = plan

  variables {
    status_shards = 257
  }

  expect_failures = [var.status_shards]
}

run "partitions_are_whole" {
  command = plan

  variables {
    status_shards = 1.5
  }

  expect_failures = [var.status_shards]
}

run "there_were_256_partitions_at_most" {
  command = plan

  variables {
    previous_status_shards = 257
  }

  expect_failures = [var.previous_status_shards]
}

run "partitions_were_whole" {
  command = plan

  variables {
    previous_status_shards = 1.5
  }

  expect_failures = [var.previous_status_shards]
}

run "a_success_rate_is_not_negative" {
  command = plan

  variables {
    fulfillment_success_rate = -0.1
  }

  expect_failures = [var.fulfillment_success_rate]
}

run "an_address_has_a_domain" {
  command = plan

  variables {
    notification_email = "orders@localhost"
  }

  expect_failures = [var.notification_email]
}

run "a_name_is_not_long" {
  command = plan

  variables {
    project_name = "distributed-orders"
  }

  expect_failures = [var.project_name]
}

run "operators_are_known" {
  command = plan

  variables {
    operator_api = true
  }

  expect_failures = [var.operator_api]
}

run "a_floor_is_more_than_nothing" {
  command = plan

  variables {
    success_rate_floor = 0
  }

  expect_failures = [var.success_rate_floor]
}

run "a_floor_is_a_percentage" {
  command = plan

  variables {
    success_rate_floor = 101
  }

  expect_failures = [var.success_rate_floor]
}

run "a_rate_needs_orders" {
  command = plan

  variables {
    success_rate_minimum_orders = 0
  }

  expect_failures = [var.success_rate_minimum_orders]
}

run "orders_are_whole" {
  command = plan

  variables {
    success_rate_minimum_orders = 2.5
  }

  expect_failures = [var.success_rate_minimum_orders]
}
