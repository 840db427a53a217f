# Every resource's name. Resources that refer to each other in a circle use these names instead of each other's attributes:
# the function needs the ARN of the state machine, and the state machine the function's alias.
locals {
  prefix  = var.project_name
  suffix  = var.environment
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_region.current.name
  arn     = "arn:${data.aws_partition.current.partition}"
  iam     = "${local.arn}:iam::${local.account}"
  is_prod = var.environment == "prod"

  names = {
    orders_table        = "${local.prefix}-orders-${local.suffix}"
    failed_orders_table = "${local.prefix}-failed-orders-${local.suffix}"
    queue               = "${local.prefix}-fulfillment-${local.suffix}"
    dead_letter_queue   = "${local.prefix}-fulfillment-dlq-${local.suffix}"
    state_machine       = "${local.prefix}-order-processing-${local.suffix}"
    function            = "${local.prefix}-orders-${local.suffix}"
    rest_api            = "${local.prefix}-orders-${local.suffix}"
    rule                = "${local.prefix}-reconcile-${local.suffix}"
    alarm_topic         = "${local.prefix}-alarms-${local.suffix}"
    function_role       = "${local.prefix}-lambda-execution-role-${local.suffix}"
    function_policy     = "${local.prefix}-lambda-policy-${local.suffix}"
    workflow_role       = "${local.prefix}-stepfunctions-execution-role-${local.suffix}"
    warehouse_secret    = "${local.prefix}-warehouse-${local.suffix}"
    workflow_policy     = "${local.prefix}-stepfunctions-policy-${local.suffix}"
  }

  state_machine_arn = "${local.arn}:states:${local.region}:${local.account}:stateMachine:${local.names.state_machine}"
}
