# Each validation of each variable refuses its bad values in the plan. A plan takes seconds, so a run gives several variables
# bad values at once, and fails unless each variable of its list is refused. Terraform skips a validation that refers to a
# refused variable, so such a pair is never in one list. The bad values of one variable stand in different runs.

mock_provider "aws" {}

variables {
  image_uri          = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  notification_email = "orders@example.com"
}

# --- one variable by itself -------------------------------------------------------------------------------------------

run "numbers_below_the_minimum" {
  command = plan

  variables {
    restart_after                  = 0
    recover_after                  = 0
    resend_after                   = 0
    look_after                     = 0
    due_after                      = 0
    backoff_ceiling                = 0
    restart_limit                  = 0
    reconcile_limit                = 0
    reconcile_parallel             = 0
    api_keys                       = { Shop = ["1"] }
    lenient_bytes                  = -1
    redrive_rate                   = 4
    lambda_timeout                 = 5
    lambda_memory_size             = 64
    lambda_provisioned_concurrency = -1
    fulfillment_success_rate       = -0.1
    sqs_max_receive_count          = 0
    sqs_batch_size                 = 0
    sqs_batch_window               = -1
    sqs_maximum_concurrency        = 1
    status_shards                  = 0
    previous_status_shards         = 0
    api_throttling_rate            = 0
    api_throttling_burst           = 0
    warehouse_events_rate          = 0
    warehouse_events_burst         = 0
    dlq_alert_threshold            = 0
    success_rate_floor             = 0
    success_rate_minimum_orders    = 0
  }

  expect_failures = [
    var.restart_after,
    var.recover_after,
    var.resend_after,
    var.look_after,
    var.due_after,
    var.backoff_ceiling,
    var.restart_limit,
    var.reconcile_limit,
    var.reconcile_parallel,
    var.api_keys,
    var.lenient_bytes,
    var.redrive_rate,
    var.lambda_timeout,
    var.lambda_memory_size,
    var.lambda_provisioned_concurrency,
    var.fulfillment_success_rate,
    var.sqs_max_receive_count,
    var.sqs_batch_size,
    var.sqs_batch_window,
    var.sqs_maximum_concurrency,
    var.status_shards,
    var.previous_status_shards,
    var.api_throttling_rate,
    var.api_throttling_burst,
    var.warehouse_events_rate,
    var.warehouse_events_burst,
    var.dlq_alert_threshold,
    var.success_rate_floor,
    var.success_rate_minimum_orders,
  ]
}

run "numbers_above_the_maximum" {
  command = plan

  variables {
    restart_after            = 604801
    recover_after            = 604801
    resend_after             = 604801
    look_after               = 604801
    due_after                = 31449601
    backoff_ceiling          = 604801
    restart_limit            = 100001
    reconcile_limit          = 100001
    reconcile_parallel       = 31
    api_keys                 = { shop = [for number in range(31) : tostring(number)] }
    lenient_bytes            = 262145
    redrive_rate             = 1001
    lambda_timeout           = 901
    lambda_memory_size       = 10241
    fulfillment_success_rate = 70
    sqs_max_receive_count    = 101
    sqs_batch_size           = 100
    sqs_batch_window         = 300
    sqs_maximum_concurrency  = 1001
    status_shards            = 257
    previous_status_shards   = 257
    success_rate_floor       = 101
  }

  expect_failures = [
    var.restart_after,
    var.recover_after,
    var.resend_after,
    var.look_after,
    var.due_after,
    var.backoff_ceiling,
    var.restart_limit,
    var.reconcile_limit,
    var.reconcile_parallel,
    var.api_keys,
    var.lenient_bytes,
    var.redrive_rate,
    var.lambda_timeout,
    var.lambda_memory_size,
    var.fulfillment_success_rate,
    var.sqs_max_receive_count,
    var.sqs_batch_size,
    var.sqs_batch_window,
    var.sqs_maximum_concurrency,
    var.status_shards,
    var.previous_status_shards,
    var.success_rate_floor,
  ]
}

run "fractions" {
  command = plan

  variables {
    restart_limit               = 1.5
    reconcile_limit             = 1.5
    reconcile_parallel          = 1.5
    lambda_timeout              = 10.5
    sqs_max_receive_count       = 2.5
    status_shards               = 1.5
    previous_status_shards      = 1.5
    success_rate_minimum_orders = 2.5
  }

  expect_failures = [
    var.restart_limit,
    var.reconcile_limit,
    var.reconcile_parallel,
    var.lambda_timeout,
    var.sqs_max_receive_count,
    var.status_shards,
    var.previous_status_shards,
    var.success_rate_minimum_orders,
  ]
}

run "values_outside_the_list" {
  command = plan

  variables {
    sqs_retry_delay     = 180 # not below sqs_visibility_timeout
    environment         = "test"
    lambda_architecture = "riscv"
    log_level           = "TRACE"
    workflow_type       = "FAST"
    log_retention_days  = 31
  }

  expect_failures = [
    var.sqs_retry_delay,
    var.environment,
    var.lambda_architecture,
    var.log_level,
    var.workflow_type,
    var.log_retention_days,
  ]
}

run "malformed_text" {
  command = plan

  variables {
    sqs_retry_delay          = -1
    aws_region               = "Mumbai"
    project_name             = "Distributed Orders"
    notification_email       = "nobody"
    kms_key_arn              = "alias/mine"
    cors_origins             = ["*"]
    github_repo_url          = "git@github.com:me/dofs.git"
    permissions_boundary_arn = "arn:aws:iam::123456789012:role/dofs"
    warehouse_url            = "http://warehouse.example.com"
  }

  expect_failures = [
    var.sqs_retry_delay,
    var.aws_region,
    var.project_name,
    var.notification_email,
    var.kms_key_arn,
    var.cors_origins,
    var.github_repo_url,
    var.permissions_boundary_arn,
    var.warehouse_url,
  ]
}

run "almost_well_formed_text" {
  command = plan

  variables {
    sqs_retry_delay    = 1.5
    project_name       = "distributed-orders" # 18 characters
    notification_email = "orders@localhost"
    cors_origins       = ["https://shop.example.com/"]
    image_uri          = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs:latest"
    codeconnection_arn = "arn:aws:codeconnections:ap-south-1:123456789012:connection/dofs"
    api_auth           = "magic"
    warehouse_url      = "https://user@warehouse.example.com"
  }

  expect_failures = [
    var.sqs_retry_delay,
    var.project_name,
    var.notification_email,
    var.cors_origins,
    var.image_uri,
    var.codeconnection_arn,
    var.api_auth,
    var.warehouse_url,
  ]
}

# --- variables that contradict each other -----------------------------------------------------------------------------

run "open_api_in_staging" {
  command = plan

  variables {
    environment                 = "staging"   # with api_auth = none
    aws_region                  = "eu-west-1" # the image is in ap-south-1
    sqs_visibility_timeout      = 179         # less than 6 × lambda_timeout
    lambda_reserved_concurrency = 3
    warehouse_secret_arn        = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dofs-warehouse-dev-AbCdEf" # without warehouse_url
  }

  expect_failures = [
    var.api_auth,
    var.image_uri,
    var.sqs_visibility_timeout,
    var.lambda_reserved_concurrency,
    var.warehouse_secret_arn,
  ]
}

run "open_api_in_prod" {
  command = plan

  variables {
    environment                 = "prod" # with api_auth = none
    lambda_timeout              = 60     # sqs_visibility_timeout is less than 6 × 60
    lambda_reserved_concurrency = 9
    image_uri                   = "docker.io/library/dofs@sha256:0000000000000000000000000000000000000000000000000000000000000000"
    deploy_cicd_pipeline        = true # without github_repo_url and permissions_boundary_arn
    codeconnection_arn          = "arn:aws:codeconnections:eu-west-1:123456789012:connection/11111111-2222-3333-4444-555555555555"
  }

  expect_failures = [
    var.api_auth,
    var.sqs_visibility_timeout,
    var.lambda_reserved_concurrency,
    var.image_uri,
    var.github_repo_url,
    var.permissions_boundary_arn,
    var.codeconnection_arn,
  ]
}

run "open_api_with_operators" {
  command = plan

  variables {
    operator_api                   = true                                                           # with api_auth = none
    cognito_user_pool_arn          = "arn:aws:cognito-idp:ap-south-1:123456789012:userpool/x"       # with api_auth = none
    image_uri                      = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/dofs@sha256:00" # a short digest
    sqs_visibility_timeout         = 43201                                                          # more than 12 hours
    lambda_reserved_concurrency    = 10
    lambda_provisioned_concurrency = 11 # more than reserved
    sqs_maximum_concurrency        = 10 # all that is reserved
    permissions_boundary_arn       = "arn:aws:iam::123456789012:policy/dofs-bootstrap-boundary"
    warehouse_url                  = "https://warehouse.example.com"
    warehouse_secret_arn           = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:others" # which the boundary does not allow
  }

  expect_failures = [
    var.operator_api,
    var.cognito_user_pool_arn,
    var.image_uri,
    var.sqs_visibility_timeout,
    var.lambda_provisioned_concurrency,
    var.sqs_maximum_concurrency,
    var.warehouse_secret_arn,
  ]
}

run "cognito_without_a_user_pool" {
  command = plan

  variables {
    api_auth                       = "cognito"
    sqs_batch_window               = 1 # sqs_visibility_timeout is less than 6 × lambda_timeout + 1
    lambda_snap_start              = true
    lambda_provisioned_concurrency = 1
    codeconnection_arn             = "arn:aws:iam::123456789012:role/dofs"
    warehouse_url                  = "https://warehouse.example.com"
    warehouse_secret_arn           = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:dofs-warehouse-dev-AbCdEf" # another region
  }

  expect_failures = [
    var.cognito_user_pool_arn,
    var.sqs_visibility_timeout,
    var.lambda_snap_start,
    var.codeconnection_arn,
    var.warehouse_secret_arn,
  ]
}
