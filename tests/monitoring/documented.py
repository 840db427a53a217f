"""The metrics that AWS documents, with their possible dimensions, for each namespace that an alarm or widget uses."""

from typing import NamedTuple

Dimensions = frozenset[str]


class Namespace(NamedTuple):
    source: str
    metrics: dict[str, set[Dimensions]]


def by(*dimensions: str) -> Dimensions:
    return frozenset(dimensions)


def each(names: str, *dimensions: Dimensions) -> dict[str, set[Dimensions]]:
    return {name: set(dimensions) for name in names.split()}


API = (by("ApiName"), by("ApiName", "Stage"), by("ApiName", "Stage", "Resource", "Method"))
FUNCTION = (by(), by("FunctionName"), by("FunctionName", "Resource"), by("FunctionName", "Resource", "ExecutedVersion"))
TABLE = (by("TableName"), by("TableName", "GlobalSecondaryIndexName"))

DOCUMENTED = {
    "AWS/ApiGateway": Namespace(
        "https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html",
        each("4XXError 5XXError CacheHitCount CacheMissCount Count IntegrationLatency Latency", *API),
    ),
    "AWS/DynamoDB": Namespace(
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html",
        each(
            "ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ReadThrottleEvents WriteThrottleEvents",
            *TABLE,
        )
        | each("ReturnedItemCount SuccessfulRequestLatency ThrottledRequests", by("TableName", "Operation"))
        | each("ConditionalCheckFailedRequests", by("TableName")),
    ),
    "AWS/Lambda": Namespace(
        "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html",
        each("Invocations Errors DeadLetterErrors DestinationDeliveryFailures Throttles Duration", *FUNCTION)
        | each("ConcurrentExecutions", *FUNCTION),
    ),
    "AWS/SNS": Namespace(
        "https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html",
        each(
            "NumberOfMessagesPublished NumberOfNotificationsDelivered NumberOfNotificationsFailed PublishSize",
            by("TopicName"),
        ),
    ),
    "AWS/SQS": Namespace(
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html",
        each(
            "ApproximateAgeOfOldestMessage ApproximateNumberOfMessagesDelayed ApproximateNumberOfMessagesNotVisible "
            "ApproximateNumberOfMessagesVisible NumberOfEmptyReceives NumberOfMessagesDeleted NumberOfMessagesReceived "
            "NumberOfMessagesSent SentMessageSize",
            by("QueueName"),
        ),
    ),
    "AWS/States": Namespace(
        "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html",
        each(
            "ExecutionTime ExecutionThrottled ExecutionsAborted ExecutionsFailed ExecutionsStarted ExecutionsSucceeded "
            "ExecutionsTimedOut",
            by("StateMachineArn"),
        ),
    ),
}
