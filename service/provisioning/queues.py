"""The fulfillment queue and its dead-letter queue."""

import json

from service.provisioning.deployment import Deployment
from service.settings import Settings

QUEUE_RETENTION = 4 * 86_400  # seconds
DLQ_RETENTION = 14 * 86_400  # seconds since the message was first sent to the fulfillment queue


def create_queues(deployment: Deployment) -> None:
    """Create or update the queues."""
    names = deployment.names
    queue, dead_letter_queue = names.queue_arn(names.queue), names.queue_arn(names.dead_letter_queue)
    _queue(deployment, names.dead_letter_queue, dead_letter_queue_attributes(queue))
    _queue(deployment, names.queue, queue_attributes(deployment.settings, dead_letter_queue))


def queue_attributes(settings: Settings, dead_letter_queue_arn: str) -> dict[str, str]:
    """Return the attributes of the fulfillment queue. Its maximum of receives is the number of attempts of an order."""
    redrive = {"deadLetterTargetArn": dead_letter_queue_arn, "maxReceiveCount": settings.max_attempts}
    return {
        "VisibilityTimeout": str(settings.visibility_timeout),
        "MessageRetentionPeriod": str(QUEUE_RETENTION),
        "SqsManagedSseEnabled": "true",
        "RedrivePolicy": json.dumps(redrive),
    }


def dead_letter_queue_attributes(queue_arn: str) -> dict[str, str]:
    """Return the attributes of the dead-letter queue, which accepts messages of the fulfillment queue only."""
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [queue_arn]}
    return {
        "MessageRetentionPeriod": str(DLQ_RETENTION),
        "SqsManagedSseEnabled": "true",
        "RedriveAllowPolicy": json.dumps(allowed),
    }


def _queue(deployment: Deployment, name: str, attributes: dict[str, str]) -> None:
    sqs = deployment.client("sqs")
    try:
        sqs.create_queue(QueueName=name, Attributes=attributes)
    except sqs.exceptions.QueueNameExists:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
