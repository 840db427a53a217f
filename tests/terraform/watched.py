"""The metric of each alarm, from AWS's documentation and the service's, independent of the alarms."""

from typing import NamedTuple

from service.provisioning.names import Names
from tests.terraform.alarms import Metric
from tests.terraform.root import VARIABLES

Dimensions = frozenset[tuple[str, str]]
Values = tuple[float, ...]


def by(**dimensions: str) -> Dimensions:
    return frozenset(dimensions.items())


class Watched(NamedTuple):
    """A metric that AWS or the service publishes, with values that trigger the alarm and values that do not."""

    namespace: str
    name: str
    dimensions: Dimensions
    bad: Values
    good: Values


OLD = 5 * int(VARIABLES["sqs_visibility_timeout"])  # seconds
SERVICE = by(environment="dev")
FUNCTION = by(FunctionName="dofs-orders-dev")


def simple_alarms(names: Names) -> dict[str, Watched]:
    """Return the metric of each alarm on a single metric."""
    queue, dead = by(QueueName="dofs-fulfillment-dev"), by(QueueName="dofs-fulfillment-dlq-dev")
    api, topic = by(ApiName="dofs-orders-dev", Stage="dev"), by(TopicName="dofs-alarms-dev")
    workflow = by(StateMachineArn=names.state_machine_arn)
    once, never = (0, 1), (0, 0)
    return {
        "dlq-depth": Watched("AWS/SQS", "ApproximateNumberOfMessagesVisible", dead, once, never),
        "queue-age": Watched("AWS/SQS", "ApproximateAgeOfOldestMessage", queue, (20, OLD), (100, OLD - 1)),
        "lambda-throttles": Watched("AWS/Lambda", "Throttles", FUNCTION, once, never),
        "api-5xx": Watched("AWS/ApiGateway", "5XXError", api, (1, *[0] * 9), (1, *[0] * 99)),
        "workflow-timeouts": Watched("AWS/States", "ExecutionsTimedOut", workflow, once, never),
        "warehouse-brake": Watched("DOFS", "WarehouseBrake", SERVICE, once, never),
        "warehouse-overdue": Watched("DOFS", "WarehouseOverdue", SERVICE, once, never),
        "unexpected-parcels": Watched("DOFS", "UnexpectedParcels", SERVICE, once, never),
        "abandoned-orders": Watched("DOFS", "AttemptsFailed", SERVICE | by(reason="abandoned"), once, never),
        "delivery-conflicts": Watched("DOFS", "DeliveryConflicts", SERVICE, once, never),
        "reconciler-silent": Watched("DOFS", "ReconcilerRuns", SERVICE, (), (1,)),
        "reconciler-interventions": Watched("DOFS", "ReconcilerInterventions", SERVICE, once, never),
        "unreadable-rows": Watched("DOFS", "UnreadableRows", SERVICE, once, never),
        "sns-failures": Watched("AWS/SNS", "NumberOfNotificationsFailed", topic, once, never),
    }


def math_alarms(names: Names) -> dict[str, set[Metric]]:
    """Return the metrics of each alarm on metric math."""
    errors = ("AWS/Lambda", "Errors", FUNCTION)
    executions_failed = ("AWS/States", "ExecutionsFailed", by(StateMachineArn=names.state_machine_arn))
    rejected, fulfilled, failed = (("DOFS", f"Orders{how}", SERVICE) for how in ("Rejected", "Fulfilled", "Failed"))
    orders, failed_orders = by(TableName="dofs-orders-dev"), by(TableName="dofs-failed-orders-dev")
    names = ("by-status", "by-customer", "by-owner", "by-reference")
    indexes = [orders | by(GlobalSecondaryIndexName=index) for index in names]
    tables = (orders, *indexes, failed_orders)
    return {
        "lambda-errors": {errors, rejected},
        "workflow-failures": {executions_failed, rejected},
        "success-rate": {fulfilled, failed},
        "warehouse-failures": {
            ("DOFS", "OrdersFailedAtWarehouse", SERVICE),
            ("DOFS", "OrdersPartlyFulfilled", SERVICE),
        },
        "table-throttles": {("AWS/DynamoDB", "WriteThrottleEvents", table) for table in tables},
    }
