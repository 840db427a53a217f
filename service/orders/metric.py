"""What is measured: each metric once, with its unit and the dimension that it has besides the deployment's environment.

``python -m service.orders.metric`` writes ``docs/metrics.md`` from it.
"""

import sys
from enum import StrEnum
from typing import Literal

Unit = Literal["Count", "Milliseconds"]

REASONS_OF_FAILURE = "`declined`, `refused`, `error` or `abandoned`"
REASONS_TO_INTERVENE = "`restarted`, `recovered`, `resent` or `gave_up`; or `errors`, where that failed"

PAGE = """\
# Metrics

<!-- written by `make fmt` from service/orders/metric.py -->

Namespace `DOFS` (`DOFS_METRICS_NAMESPACE`), dimension `environment` (`DOFS_ENVIRONMENT`). A metric with reasons is
there twice: over all of them, and with the further dimension `reason`. The function writes them as lines of its log in
CloudWatch's [embedded metric format][emf]; no call is made for them.

| metric | unit | counts |
|---|---|---|
{rows}

[emf]: {emf}
"""
EMF = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"


class Metric(StrEnum):
    """A metric by its name in CloudWatch.

    ``unit`` is CloudWatch's. ``dimension`` is the name of the one that every value brings a value for, if there is one.
    ``meaning`` is for who reads a dashboard.
    """

    unit: Unit
    dimension: str | None
    meaning: str

    def __new__(cls, name: str, meaning: str, dimension: str | None = None, unit: Unit = "Count") -> "Metric":
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning, member.dimension, member.unit = meaning, dimension, unit
        return member

    ORDERS_RECEIVED = ("OrdersReceived", "orders that were taken in, each once")
    SUBMISSIONS_REFUSED = ("SubmissionsRefused", "submissions answered with 422; nothing was stored")
    IDEMPOTENT_REPLAYS = ("IdempotentReplays", "submissions that got the first answer again, by their idempotency key")
    ORDERS_STORED = ("OrdersStored", "orders that the workflow accepted: PENDING")
    ORDERS_REJECTED = ("OrdersRejected", "orders that the workflow found invalid: REJECTED")
    ORDERS_FULFILLED = ("OrdersFulfilled", "orders that came to FULFILLED")
    ORDERS_FAILED = ("OrdersFailed", "orders that failed for good: FAILED")
    ORDERS_CANCELLED = ("OrdersCancelled", "orders that were cancelled through the API")
    ORDERS_REDRIVEN = ("OrdersRedriven", "failed orders that an operator sent again through the API")
    ATTEMPTS_FAILED = (
        "AttemptsFailed",
        f"attempts to fulfill that ended without success; {REASONS_OF_FAILURE}, the last of orders given up",
        "reason",
    )
    TIME_TO_FULFILL = ("TimeToFulfill", "from an order's receipt to FULFILLED", None, "Milliseconds")
    POISON_MESSAGES = ("PoisonMessages", "deliveries of messages that name no order")
    RECONCILER_RUNS = ("ReconcilerRuns", "the reconciler's heartbeat: runs that came to their end")
    RECONCILER_INTERVENTIONS = (
        "ReconcilerInterventions",
        f"orders that the reconciler gave a push; {REASONS_TO_INTERVENE}",
        "reason",
    )


def page() -> str:
    """``docs/metrics.md``."""
    return PAGE.format(
        emf=EMF, rows="\n".join(f"| `{metric}` | {metric.unit} | {metric.meaning} |" for metric in Metric)
    )


if __name__ == "__main__":
    sys.stdout.write(page())
