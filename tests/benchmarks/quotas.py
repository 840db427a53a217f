"""Default AWS quotas in us-east-1. New accounts have smaller ones.

A quota that is not ``confirmed`` comes from AWS's archived developer guide of 2023.
"""

from dataclasses import dataclass

DATED = "2026-11-27"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit of an AWS account, per second unless the unit says otherwise."""

    limit: int
    unit: str
    page: str
    confirmed: bool = True


_DOCS = "https://docs.aws.amazon.com"
_STEP_FUNCTIONS = f"{_DOCS}/step-functions/latest/dg/service-quotas.html"
_LAMBDA = f"{_DOCS}/lambda/latest/dg/gettingstarted-limits.html"
_DYNAMODB = f"{_DOCS}/amazondynamodb/latest/developerguide"
_SQS = f"{_DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide"

QUOTAS = {
    "StartExecution, STANDARD": Quota(300, "starts (a bucket of 1,300)", _STEP_FUNCTIONS, confirmed=False),
    "StartExecution, EXPRESS": Quota(6_000, "starts (a bucket of 6,000)", _STEP_FUNCTIONS, confirmed=False),
    "StateTransition, STANDARD": Quota(1_500, "transitions (a bucket of 5,000)", _STEP_FUNCTIONS, confirmed=False),
    "Lambda, concurrency": Quota(1_000, "invocations at the same time", _LAMBDA),
    "Lambda, invocations": Quota(10_000, "invocations, 10 for each of the concurrency", _LAMBDA),
    "API Gateway": Quota(10_000, "requests", f"{_DOCS}/apigateway/latest/developerguide/limits.html"),
    "index by-status": Quota(
        1_000, "write units for a partition", f"{_DYNAMODB}/throttling-key-range-limit-exceeded-mitigation.html"
    ),
    "orders table": Quota(40_000, "write units", f"{_DYNAMODB}/ServiceQuotas.html"),
    "SQS, messages in flight": Quota(
        120_000, "messages that are received and not deleted", f"{_SQS}/quotas-queues.html"
    ),
}
"""A standard queue has no limit on the number of messages: ``quotas-messages.html``."""
