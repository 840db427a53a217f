"""The metrics, each with its unit and its dimension besides the deployment's environment.

``python -m service.orders.metric`` writes ``docs/metrics.md`` from it.
"""

import sys
from enum import StrEnum
from typing import Literal

Unit = Literal["Count", "Milliseconds"]

REASONS_OF_FAILURE = "`declined`, `refused`, `error`, `abandoned` or `unknown`"
REASONS_OF_EVENTS = "`taken`, `look`, `repeated`, `ignored`, `too_early`, `unknown`, `unsigned` or `malformed`"
REASONS_TO_INTERVENE = "`restarted`, `recovered`, `resent`, `looked` or `gave_up`; or `errors`, if the push failed"

PAGE = """\
# Metrics

<!-- written by `make fmt` from service/orders/metric.py -->

Namespace `DOFS` (`DOFS_METRICS_NAMESPACE`), dimension `environment` (`DOFS_ENVIRONMENT`). A metric with reasons is
written twice: for all reasons together, and with the further dimension `reason`. The function writes metrics as lines
of its log, in CloudWatch's [embedded metric format][emf], without a call to AWS.

| metric | unit | counts |
|---|---|---|
{rows}

[emf]: {emf}
"""
EMF = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"


class Metric(StrEnum):
    """A metric by its name in CloudWatch.

    ``unit`` is CloudWatch's. ``dimension`` is the name of the metric's own dimension, if it has one. ``meaning`` is
    the text of docs/metrics.md.
    """

    unit: Unit
    dimension: str | None
    meaning: str

    def __new__(cls, name: str, meaning: str, dimension: str | None = None, unit: Unit = "Count") -> "Metric":
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning, member.dimension, member.unit = meaning, dimension, unit
        return member

    ORDERS_RECEIVED = ("OrdersReceived", "orders that were received, each once")
    SUBMISSIONS_REFUSED = ("SubmissionsRefused", "submissions answered with 422; nothing was stored")
    IDEMPOTENT_REPLAYS = ("IdempotentReplays", "submissions whose idempotency key was used before for the same order")
    ORDERS_STORED = ("OrdersStored", "orders that the workflow accepted, and that became PENDING")
    ORDERS_REJECTED = ("OrdersRejected", "orders that the workflow found invalid, and that became REJECTED")
    ORDERS_HANDED_OVER = (
        "OrdersHandedOver",
        "attempts by which orders became AT_WAREHOUSE: the warehouse accepted them",
    )
    ORDERS_FULFILLED = ("OrdersFulfilled", "orders that became FULFILLED")
    ORDERS_PARTLY_FULFILLED = (
        "OrdersPartlyFulfilled",
        "orders that became PARTLY_FULFILLED because their delivery ended, or was given up",
    )
    ORDERS_FAILED = ("OrdersFailed", "orders that became FAILED")
    ORDERS_FAILED_AT_WAREHOUSE = (
        "OrdersFailedAtWarehouse",
        "orders that became FAILED after the warehouse had accepted them; their messages were deleted then",
    )
    ORDERS_CANCELLED = ("OrdersCancelled", "orders that were cancelled through the API")
    ORDERS_REDRIVEN = ("OrdersRedriven", "failed orders that an operator redrove through the API")
    ATTEMPTS_FAILED = (
        "AttemptsFailed",
        f"attempts that failed; {REASONS_OF_FAILURE}, the last two of an order that was given up",
        "reason",
    )
    TIME_TO_FULFILL = ("TimeToFulfill", "time from an order's receipt to FULFILLED", None, "Milliseconds")
    POISON_MESSAGES = ("PoisonMessages", "deliveries of messages whose body names no order")
    DELIVERY_CONFLICTS = (
        "DeliveryConflicts",
        "requests that the warehouse answered with 409, because it has the delivery key with other items",
    )
    WAREHOUSE_EVENTS = ("WarehouseEvents", f"events that the warehouse sent; {REASONS_OF_EVENTS}", "reason")
    UNEXPECTED_PARCELS = (
        "UnexpectedParcels",
        "parcels that contradict their order: of an older delivery, of a cancelled order, or more than ordered",
    )
    WAREHOUSE_OVERDUE = ("WarehouseOverdue", "orders at the warehouse whose due date has passed, at each look")
    UNREADABLE_ROWS = (
        "UnreadableRows",
        "rows that a list left out, because this version cannot read them; each time that they are read",
    )
    WAREHOUSE_BRAKE = ("WarehouseBrake", "runs of the reconciler while the brake is on: the warehouse takes nothing")
    RECONCILER_RUNS = ("ReconcilerRuns", "completed runs of the reconciler: its heartbeat")
    RECONCILER_INTERVENTIONS = (
        "ReconcilerInterventions",
        f"orders that the reconciler pushed; {REASONS_TO_INTERVENE}",
        "reason",
    )


def page() -> str:
    """``docs/metrics.md``."""
    return PAGE.format(
        emf=EMF, rows="\n".join(f"| `{metric}` | {metric.unit} | {metric.meaning} |" for metric in Metric)
    )


if __name__ == "__main__":
    sys.stdout.write(page())
