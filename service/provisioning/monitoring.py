"""The alarm on the dead-letter queue, and its SNS topic."""

from typing import Any

from service.provisioning.deployment import Deployment
from service.provisioning.names import Names

DLQ_ALERT_THRESHOLD = 1  # messages


def create_monitoring(deployment: Deployment) -> None:
    """Create or update the topic and the alarm."""
    topic = deployment.client("sns").create_topic(Name=deployment.names.alarm_topic)["TopicArn"]
    deployment.client("cloudwatch").put_metric_alarm(**dead_letter_alarm(deployment.names, topic))


def dead_letter_alarm(names: Names, topic_arn: str) -> dict[str, Any]:
    """Return the parameters of ``PutMetricAlarm``.

    The alarm uses the number of visible messages, as ``NumberOfMessagesSent`` omits the messages that SQS moves there.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html
    """
    return {
        "AlarmName": names.dead_letter_alarm,
        "AlarmDescription": "Orders have failed. `dofs failed list` shows why; fix it, then `dofs redrive --all`.",
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": names.dead_letter_queue}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": DLQ_ALERT_THRESHOLD,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
        "AlarmActions": [topic_arn],
        "OKActions": [topic_arn],
    }
