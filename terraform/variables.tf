# --- the deployment ---------------------------------------------------------------------------------------------------

variable "aws_region" {
  description = "AWS region of the deployment."
  type        = string
  default     = "ap-south-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.aws_region))
    error_message = "aws_region must be the code of a region, such as ap-south-1."
  }
}

variable "environment" {
  description = "Name of the deployment and suffix of every name: dev, staging or prod. Tables of prod cannot be deleted."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "environment must be dev, staging or prod."
  }
}

variable "project_name" {
  description = "Prefix of every name."
  type        = string
  default     = "dofs"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.project_name))
    error_message = "project_name must be 2 to 16 lower-case letters, digits and hyphens, and start with a letter."
  }
}

variable "image_uri" {
  description = "URI of the function's image in ECR by digest, ….amazonaws.com/dofs@sha256:…; `make deploy` sets it."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\..+@sha256:[0-9a-f]{64}$", var.image_uri))
    error_message = "image_uri must be an ECR image by digest, ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:…; a tag can be moved."
  }

  validation {
    condition     = strcontains(var.image_uri, ".dkr.ecr.${var.aws_region}.")
    error_message = "image_uri must be in aws_region: Lambda cannot use an image of another region."
  }
}

variable "notification_email" {
  description = "E-mail address that alarms notify. AWS sends it a link that confirms the subscription."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.notification_email))
    error_message = "notification_email must be an e-mail address."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of every role, an output of terraform/bootstrap. Its deployment role can create no role without it."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy, or null."
  }

  validation {
    condition     = var.permissions_boundary_arn != null || !var.deploy_cicd_pipeline
    error_message = "deploy_cicd_pipeline needs permissions_boundary_arn: the deployment role cannot create a role without it."
  }
}

# --- the function -----------------------------------------------------------------------------------------------------

variable "lambda_timeout" {
  description = "Timeout of the function, in seconds. API Gateway waits for at most 29 seconds."
  type        = number
  default     = 30

  validation {
    condition     = var.lambda_timeout >= 6 && var.lambda_timeout <= 900 && floor(var.lambda_timeout) == var.lambda_timeout
    error_message = "lambda_timeout must be a whole number of seconds between 6 and 900: a batch starts no record in its last 5 seconds."
  }
}

variable "lambda_memory_size" {
  description = "Memory of the function, in MB; its CPU share grows with it."
  type        = number
  default     = 256

  validation {
    condition     = var.lambda_memory_size >= 128 && var.lambda_memory_size <= 10240
    error_message = "lambda_memory_size must be between 128 and 10240."
  }
}

variable "lambda_architecture" {
  description = "Architecture of the image: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.lambda_architecture)
    error_message = "lambda_architecture must be x86_64 or arm64."
  }
}

variable "lambda_reserved_concurrency" {
  description = "Concurrent invocations that are reserved for the function and limit it; -1 for no reservation."
  type        = number
  default     = -1

  validation {
    condition     = var.lambda_reserved_concurrency == -1 || var.lambda_reserved_concurrency >= 10
    error_message = "lambda_reserved_concurrency must be -1, or at least 10: the API, the workflow and the queue share it."
  }
}

variable "lambda_provisioned_concurrency" {
  description = "Execution environments that Lambda keeps initialized for the alias; 0 for none. They cost money when idle."
  type        = number
  default     = 0

  validation {
    condition     = var.lambda_provisioned_concurrency >= 0
    error_message = "lambda_provisioned_concurrency must not be negative."
  }

  validation {
    condition     = var.lambda_reserved_concurrency == -1 || var.lambda_provisioned_concurrency <= var.lambda_reserved_concurrency
    error_message = "lambda_provisioned_concurrency must be at most lambda_reserved_concurrency."
  }
}

variable "lambda_snap_start" {
  description = "Whether published versions use SnapStart. AWS's documents disagree about container images: try it first."
  type        = bool
  default     = false

  validation {
    condition     = !(var.lambda_snap_start && var.lambda_provisioned_concurrency > 0)
    error_message = "lambda_snap_start and lambda_provisioned_concurrency cannot be used together."
  }
}

variable "log_level" {
  description = "Lowest level that the function logs: DEBUG, INFO, WARNING or ERROR. WARNING more than halves the volume."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "fulfillment_success_rate" {
  description = "Share of simulated attempts that succeed, between 0 and 1."
  type        = number
  default     = 0.7

  validation {
    condition     = var.fulfillment_success_rate >= 0 && var.fulfillment_success_rate <= 1
    error_message = "fulfillment_success_rate must be between 0 and 1."
  }
}

# --- the warehouse ----------------------------------------------------------------------------------------------------

variable "warehouse_url" {
  description = "Base URL of the warehouse's HTTP service, https://…; null for the simulated warehouse."
  type        = string
  default     = null

  validation {
    condition     = var.warehouse_url == null || can(regex("^https://[^[:space:]?#@\\\\]+$", var.warehouse_url))
    error_message = "warehouse_url must begin with https:// and hold no user name, query or fragment, or be null."
  }
}

variable "warehouse_secret_arn" {
  description = "ARN of the secret that signs the requests to the warehouse; null creates one, without a value."
  type        = string
  default     = null

  validation {
    condition     = var.warehouse_secret_arn == null || can(regex("^arn:[a-z-]+:secretsmanager:${var.aws_region}:[0-9]{12}:secret:[!-~]+$", var.warehouse_secret_arn))
    error_message = "warehouse_secret_arn must be the ARN of a secret in aws_region, arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME, or null."
  }

  validation {
    condition     = var.warehouse_secret_arn == null || var.warehouse_url != null
    error_message = "warehouse_secret_arn needs warehouse_url: the simulated warehouse has no secret."
  }

  validation {
    condition     = var.warehouse_secret_arn == null || var.permissions_boundary_arn == null || strcontains(coalesce(var.warehouse_secret_arn, "none"), ":secret:${var.project_name}-")
    error_message = "The name of the secret of warehouse_secret_arn must begin with project_name and a hyphen: the permissions boundary allows no other secret."
  }
}

variable "warehouse_events_rate" {
  description = "Events per second that the API accepts from the warehouse in the long run; api_throttling_rate does not count them."
  type        = number
  default     = 50

  validation {
    condition     = var.warehouse_events_rate >= 1
    error_message = "warehouse_events_rate must be at least 1."
  }
}

variable "warehouse_events_burst" {
  description = "Events that the API accepts from the warehouse in a burst."
  type        = number
  default     = 100

  validation {
    condition     = var.warehouse_events_burst >= 1
    error_message = "warehouse_events_burst must be at least 1."
  }
}

# --- the queue --------------------------------------------------------------------------------------------------------

variable "sqs_visibility_timeout" {
  description = "Visibility timeout of the queue, in seconds. AWS requires at least 6 × lambda_timeout + sqs_batch_window."
  type        = number
  default     = 180

  validation {
    condition     = var.sqs_visibility_timeout >= 6 * var.lambda_timeout + var.sqs_batch_window && var.sqs_visibility_timeout <= 43200
    error_message = "sqs_visibility_timeout must be at least 6 × lambda_timeout + sqs_batch_window, and at most 43200 (12 hours)."
  }
}

variable "sqs_retry_delay" {
  description = "Seconds until a message is delivered again after an attempt that did not fulfill its order. 0 is sqs_visibility_timeout."
  type        = number
  default     = 0

  validation {
    condition     = var.sqs_retry_delay >= 0 && var.sqs_retry_delay < var.sqs_visibility_timeout && floor(var.sqs_retry_delay) == var.sqs_retry_delay
    error_message = "sqs_retry_delay must be a whole number of seconds, at least 0 and below sqs_visibility_timeout."
  }
}

variable "sqs_max_receive_count" {
  description = "Attempts to fulfill an order before it is FAILED and its message moves to the dead-letter queue."
  type        = number
  default     = 3

  validation {
    condition     = var.sqs_max_receive_count >= 1 && var.sqs_max_receive_count <= 100 && floor(var.sqs_max_receive_count) == var.sqs_max_receive_count
    error_message = "sqs_max_receive_count must be a whole number between 1 and 100."
  }
}

variable "sqs_batch_size" {
  description = "Largest number of messages that one invocation receives."
  type        = number
  default     = 10

  validation {
    condition     = var.sqs_batch_size >= 1 && var.sqs_batch_size <= 10
    error_message = "sqs_batch_size must be between 1 and 10: SQS needs a batch window for more, and the last lease would be too short."
  }
}

variable "sqs_batch_window" {
  description = "Seconds that the event source mapping waits for a batch to fill."
  type        = number
  default     = 0

  validation {
    condition     = var.sqs_batch_window >= 0 && var.sqs_batch_window <= 60
    error_message = "sqs_batch_window must be between 0 and 60."
  }
}

variable "sqs_maximum_concurrency" {
  description = "Batches that are processed at the same time. The limit keeps a backlog from starving the API."
  type        = number
  default     = 5

  validation {
    condition     = var.sqs_maximum_concurrency >= 2 && var.sqs_maximum_concurrency <= 1000
    error_message = "sqs_maximum_concurrency must be between 2 and 1000."
  }

  validation {
    condition     = var.lambda_reserved_concurrency == -1 || var.sqs_maximum_concurrency < var.lambda_reserved_concurrency
    error_message = "sqs_maximum_concurrency must be less than lambda_reserved_concurrency: otherwise the queue can use all of it."
  }
}

# --- the tables -------------------------------------------------------------------------------------------------------

variable "status_shards" {
  description = "Partitions of each status in the index. Raise it if one status receives more than 1,000 writes a second."
  type        = number
  default     = 8

  validation {
    condition     = var.status_shards >= 1 && var.status_shards <= 256 && floor(var.status_shards) == var.status_shards
    error_message = "status_shards must be a whole number between 1 and 256."
  }
}

variable "previous_status_shards" {
  description = "Value of status_shards before its last change. Queries read the larger number of partitions."
  type        = number
  default     = 1

  validation {
    condition     = var.previous_status_shards >= 1 && var.previous_status_shards <= 256 && floor(var.previous_status_shards) == var.previous_status_shards
    error_message = "previous_status_shards must be a whole number between 1 and 256."
  }
}

variable "kms_key_arn" {
  description = "A customer key that encrypts tables, queues, topic and logs; null for AWS keys. Its policy must admit cloudwatch and logs."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, or null."
  }
}

variable "enable_table_stream" {
  description = "Whether the orders table publishes its changes as a DynamoDB stream, for your own consumers."
  type        = bool
  default     = false
}

# --- the reconciler ---------------------------------------------------------------------------------------------------

variable "restart_after" {
  description = "Age in seconds at which the workflow of a RECEIVED order is started again."
  type        = number
  default     = 120

  validation {
    condition     = var.restart_after >= 1 && var.restart_after <= 604800
    error_message = "restart_after must be between 1 and 604800 seconds, a week."
  }
}

variable "recover_after" {
  description = "Age in seconds at which a PROCESSING order whose lease has expired is recovered; at least twice sqs_visibility_timeout."
  type        = number
  default     = 400

  validation {
    condition     = var.recover_after >= 1 && var.recover_after <= 604800
    error_message = "recover_after must be between 1 and 604800 seconds, a week."
  }
}

variable "resend_after" {
  description = "Age in seconds at which a PENDING order is sent to the queue again; at least five times sqs_visibility_timeout."
  type        = number
  default     = 900

  validation {
    condition     = var.resend_after >= 1 && var.resend_after <= 604800
    error_message = "resend_after must be between 1 and 604800 seconds, a week."
  }
}

variable "look_after" {
  description = "Age in seconds at which the reconciler looks at an order at the warehouse; doubled with each look without news."
  type        = number
  default     = 300

  validation {
    condition     = var.look_after >= 1 && var.look_after <= 604800
    error_message = "look_after must be between 1 and 604800 seconds, a week."
  }
}

variable "due_after" {
  description = "Time in seconds that the warehouse has for a delivery, unless it names a due date."
  type        = number
  default     = 259200

  validation {
    condition     = var.due_after >= 1 && var.due_after <= 31449600
    error_message = "due_after must be between 1 and 31449600 seconds, 52 weeks."
  }
}

variable "backoff_ceiling" {
  description = "Longest time in seconds between two interventions for one order."
  type        = number
  default     = 3600

  validation {
    condition     = var.backoff_ceiling >= 1 && var.backoff_ceiling <= 604800
    error_message = "backoff_ceiling must be between 1 and 604800 seconds, a week."
  }
}

variable "restart_limit" {
  description = "RECEIVED orders whose workflow one run of the reconciler starts, at most."
  type        = number
  default     = 15000

  validation {
    condition     = var.restart_limit >= 1 && var.restart_limit <= 100000 && floor(var.restart_limit) == var.restart_limit
    error_message = "restart_limit must be a whole number between 1 and 100000."
  }
}

variable "reconcile_limit" {
  description = "Orders of each other state that one run of the reconciler handles, at most."
  type        = number
  default     = 1000

  validation {
    condition     = var.reconcile_limit >= 1 && var.reconcile_limit <= 100000 && floor(var.reconcile_limit) == var.reconcile_limit
    error_message = "reconcile_limit must be a whole number between 1 and 100000."
  }
}

variable "reconcile_parallel" {
  description = "Orders of one state that the reconciler handles at the same time."
  type        = number
  default     = 20

  validation {
    condition     = var.reconcile_parallel >= 1 && var.reconcile_parallel <= 30 && floor(var.reconcile_parallel) == var.reconcile_parallel
    error_message = "reconcile_parallel must be a whole number between 1 and 30."
  }
}

variable "lenient_bytes" {
  description = "Largest invalid order in bytes that a caller may have stored as REJECTED, by Prefer: handling=lenient; 0 switches it off."
  type        = number
  default     = 65536

  validation {
    condition     = var.lenient_bytes >= 0 && var.lenient_bytes <= 262144 && var.lenient_bytes == floor(var.lenient_bytes)
    error_message = "lenient_bytes must be a whole number between 0 and 262144."
  }
}

variable "redrive_rate" {
  description = "Orders per second of a bulk redrive, at most."
  type        = number
  default     = 20

  validation {
    condition     = var.redrive_rate >= 5 && var.redrive_rate <= 1000
    error_message = "redrive_rate must be between 5 and 1000."
  }
}

# --- the workflow -----------------------------------------------------------------------------------------------------

variable "workflow_type" {
  description = "STANDARD runs an execution exactly once and keeps its history for 90 days. EXPRESS runs it at least once, logs its history and costs less than a fifth. A change replaces the state machine."
  type        = string
  default     = "STANDARD"

  validation {
    condition     = contains(["STANDARD", "EXPRESS"], var.workflow_type)
    error_message = "workflow_type must be STANDARD or EXPRESS."
  }
}

# --- the API ----------------------------------------------------------------------------------------------------------

variable "api_auth" {
  description = "How API Gateway authenticates callers: none (only in dev), api_key, iam or cognito."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "api_key", "iam", "cognito"], var.api_auth)
    error_message = "api_auth must be none, api_key, iam or cognito."
  }

  validation {
    condition     = var.api_auth != "none" || var.environment == "dev"
    error_message = "api_auth must not be none outside dev: anybody could submit orders and read all orders."
  }
}

variable "api_keys" {
  description = "API keys of each caller: its name, and a label for each of its keys. The keys of a caller share its orders, which have its name: with another name, it is another caller. To replace a key, add one, give it to the caller, and remove the old one; only with api_auth = api_key."
  type        = map(set(string))
  default     = { first = ["1"] }

  validation {
    condition = alltrue(flatten([
      for caller, labels in var.api_keys : [for text in concat([caller], tolist(labels)) : can(regex("^[a-z0-9][a-z0-9-]{0,31}$", text))]
    ]))
    error_message = "Names and labels of api_keys must have 1 to 32 characters: a-z, 0-9 and -."
  }

  validation {
    condition     = length(flatten([for labels in var.api_keys : tolist(labels)])) <= 30
    error_message = "There must be at most 30 api_keys: the function's environment has 4 KB."
  }
}

variable "cognito_user_pool_arn" {
  description = "ARN of the user pool whose tokens the API accepts; only with api_auth = cognito."
  type        = string
  default     = null

  validation {
    condition     = (var.cognito_user_pool_arn != null) == (var.api_auth == "cognito")
    error_message = "cognito_user_pool_arn must be set with api_auth = cognito, and only then."
  }
}

variable "operator_api" {
  description = "Whether the API serves the operators' routes and the console. With api_auth = cognito only the group operators may call them."
  type        = bool
  default     = false

  validation {
    condition     = !var.operator_api || var.api_auth != "none"
    error_message = "operator_api needs an api_auth other than none: anybody could redrive and read all orders."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may call the API, such as https://shop.example.com."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/*,[:space:]]+$", origin))])
    error_message = "cors_origins must be origins with a scheme and a host, without a path and without a wildcard."
  }
}

variable "api_throttling_rate" {
  description = "Requests per second that the API accepts in the long run."
  type        = number
  default     = 100

  validation {
    condition     = var.api_throttling_rate >= 1
    error_message = "api_throttling_rate must be at least 1."
  }
}

variable "api_throttling_burst" {
  description = "Requests that the API accepts in a burst."
  type        = number
  default     = 200

  validation {
    condition     = var.api_throttling_burst >= 1
    error_message = "api_throttling_burst must be at least 1."
  }
}

variable "enable_waf" {
  description = "Whether a web ACL protects the API with AWS's common rules and a rate limit per address."
  type        = bool
  default     = false
}

# --- monitoring -------------------------------------------------------------------------------------------------------

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a period of CloudWatch Logs: 1, 3, 5, 7, 14, 30, 60, 90, …, 365, …"
  }
}

variable "enable_tracing" {
  description = "Whether API Gateway, Step Functions and the function send traces to X-Ray."
  type        = bool
  default     = false
}

variable "enable_dlq_alerting" {
  description = "Whether an alarm watches the depth of the dead-letter queue. Without it, no alarm reports a few failed orders."
  type        = bool
  default     = true
}

variable "dlq_alert_threshold" {
  description = "Messages in the dead-letter queue that trigger the alarm."
  type        = number
  default     = 5

  validation {
    condition     = var.dlq_alert_threshold >= 1
    error_message = "dlq_alert_threshold must be at least 1."
  }
}

variable "success_rate_floor" {
  description = "Lowest percentage of fulfilled orders among fulfilled and failed ones; a lower one triggers the alarm."
  type        = number
  default     = 90

  validation {
    condition     = var.success_rate_floor > 0 && var.success_rate_floor <= 100
    error_message = "success_rate_floor must be a percentage above 0 and at most 100."
  }
}

variable "success_rate_minimum_orders" {
  description = "Orders that must be fulfilled or fail within five minutes before the alarm checks their success rate."
  type        = number
  default     = 20

  validation {
    condition     = var.success_rate_minimum_orders >= 1 && floor(var.success_rate_minimum_orders) == var.success_rate_minimum_orders
    error_message = "success_rate_minimum_orders must be a whole number, at least 1."
  }
}

# --- the pipeline -----------------------------------------------------------------------------------------------------

variable "deploy_cicd_pipeline" {
  description = "Whether a CodePipeline builds and deploys each push to the repository."
  type        = bool
  default     = false
}

variable "github_repo_url" {
  description = "The repository that the pipeline deploys, https://github.com/OWNER/NAME; only with deploy_cicd_pipeline."
  type        = string
  default     = null

  validation {
    condition     = var.github_repo_url == null || can(regex("^https://github\\.com/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", var.github_repo_url))
    error_message = "github_repo_url must have the form https://github.com/OWNER/NAME."
  }

  validation {
    condition     = !var.deploy_cicd_pipeline || var.github_repo_url != null
    error_message = "deploy_cicd_pipeline needs github_repo_url."
  }
}

variable "codeconnection_arn" {
  description = "ARN of an authorized connection to GitHub for the pipeline; null creates one, which you then authorize."
  type        = string
  default     = null

  validation {
    condition     = var.codeconnection_arn == null || can(regex("^arn:[a-z-]+:codeconnections:[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]{36}$", var.codeconnection_arn))
    error_message = "codeconnection_arn must be the ARN of a connection, arn:aws:codeconnections:REGION:ACCOUNT:connection/ID, or null."
  }

  validation {
    condition     = var.codeconnection_arn == null || strcontains(coalesce(var.codeconnection_arn, "none"), ":codeconnections:${var.aws_region}:")
    error_message = "codeconnection_arn must be in aws_region: the permissions boundary allows no other connection."
  }
}
