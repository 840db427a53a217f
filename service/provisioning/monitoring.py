"""The alarm on the dead-letter queue, and the topic that it tells."""

from typing import Any

from service.provisioning.deployment import Deployment
from service.provisioning.names import Names

DLQ_ALERT_THRESHOLD = 1  # messages; with few orders about, the first is worth a look


def create_monitoring(deployment: Deployment) -> None:
    """Create the topic and the alarm, or bring them up to date."""
    topic = deployment.client("sns").create_topic(Name=deployment.names.alarm_topic)["TopicArn"]
    deployment.client("cloudwatch").put_metric_alarm(**dead_letter_alarm(deployment.names, topic))


def dead_letter_alarm(names: Names, topic_arn: str) -> dict[str, Any]:
    """The alarm, as ``PutMetricAlarm`` takes it.

    It looks at how many messages are there: ``NumberOfMessagesSent`` does not count those that SQS moves there itself.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/dead-letter-queues-alarms-cloudwatch.html
    """
    return {
        "AlarmName": names.dead_letter_alarm,
        "AlarmDescription": "Orders failed for good. `dofs failed list` says why; mend it, then `dofs redrive --all`.",
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
