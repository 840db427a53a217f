"""Computes the cost of a million orders by service, the saving of each change, and the cost of an idle month."""

from dataclasses import dataclass, replace

from tests.benchmarks.cost.execution import Execution
from tests.benchmarks.cost.prices import PRICES
from tests.benchmarks.cost.sample import Sample
from tests.benchmarks.cost.usage import (
    ACCESS_LINE,
    Assumptions,
    Choice,
    Usage,
    billed_seconds,
    express_gb_seconds,
    usage,
)

MILLION = 1_000_000
GB = 1e9
POLLERS = 5  # of an idle queue if a maximum concurrency is set: lambda/latest/dg/services-sqs-scaling.html
LONG_POLL = 20  # seconds, the maximum: SQSDeveloperGuide/quotas-queues.html
MONTH = 30 * 86_400  # seconds
EARLIER = {"STANDARD": 112.0, "EXPRESS": 14.0}
"""The estimates of the first design, in dollars for a million orders."""

CHEAPEST = Choice("EXPRESS", "arm64", 10, "WARNING")


@dataclass(frozen=True, slots=True)
class Saving:
    """A change, and its saving in dollars for a million orders."""

    name: str
    dollars: float
    is_variable: bool = True


class Model:
    """Computes costs from a sample of orders."""

    def __init__(self, sample: Sample, execution: Execution, assumptions: Assumptions) -> None:
        self._sample = sample
        self._execution = execution
        self.assumptions = assumptions

    def usage(self, choice: Choice) -> Usage:
        """Compute the average usage of an order."""
        return usage(choice, self.assumptions, self._sample, self._execution)

    def bill(self, choice: Choice) -> dict[str, float]:
        """Compute the dollars for a million orders, by service."""
        used = self.usage(choice)
        express = choice.workflow_type == "EXPRESS"
        duration = used.seconds * choice.lambda_memory_size / 1024
        each = {
            "Step Functions": (
                PRICES["express request"].each + express_gb_seconds(used.execution) * PRICES["express duration"].each
                if express
                else used.transitions * PRICES["transition"].each
            ),
            "its log": used.execution_log / GB * PRICES["log"].each if express else 0.0,
            "DynamoDB, rows": used.row_units * PRICES["write unit"].each,
            "DynamoDB, indexes": used.index_units * PRICES["write unit"].each,
            "DynamoDB, reads": used.read_units * PRICES["read unit"].each,
            "API Gateway": PRICES["api request"].each,
            "its access log": ACCESS_LINE / GB * PRICES["log"].each,
            "Lambda, requests": sum(used.invocations.values()) * PRICES["invocation"].each,
            "Lambda, duration": duration * PRICES[f"duration {choice.lambda_architecture}"].each,
            "the function's log": used.function_log / GB * PRICES["log"].each,
            "SQS": used.queue_requests * PRICES["queue request"].each,
        }
        return {item: MILLION * dollars for item, dollars in each.items()}

    def total(self, choice: Choice) -> float:
        """Compute the dollars for a million orders."""
        return sum(self.bill(choice).values())

    def savings(self, base: Choice) -> list[Saving]:
        """Compute the saving of each single change to a choice, the largest first."""
        changes = {
            'workflow_type = "EXPRESS"': replace(base, workflow_type="EXPRESS"),
            'log_level = "WARNING"': replace(base, log_level="WARNING"),
            'lambda_architecture = "arm64"': replace(base, lambda_architecture="arm64"),
            "sqs_batch_size = 10, not 1": base,
        }
        was = {"sqs_batch_size = 10, not 1": replace(base, sqs_batch_size=1)}
        found = [Saving(name, self.total(was.get(name, base)) - self.total(new)) for name, new in changes.items()]
        used, bill, unit = self.usage(base), self.bill(base), MILLION * PRICES["write unit"].each
        found += [
            Saving("rows that stay within 1 KB", (used.row_units - used.least_row_units) * unit, is_variable=False),
            Saving("no index by-status", sum(used.status_writes.values()) * unit, is_variable=False),
        ]
        if base.workflow_type == "EXPRESS":
            found.append(Saving("Step Functions' log at ERROR, not ALL", bill["its log"], is_variable=False))
        return sorted((saving for saving in found if saving.dollars > 0), key=lambda saving: -saving.dollars)

    def read_cost(self, choice: Choice) -> float:
        """Compute the dollars for a million requests ``GET /orders/{id}``."""
        invocation = self._sample.read
        read = sum(charge.read for call in invocation.calls for charge in call.charges)
        gb_seconds = billed_seconds(invocation, choice, self.assumptions) * choice.lambda_memory_size / 1024
        logged = ACCESS_LINE + (invocation.lines["INFO"] if choice.log_level == "INFO" else invocation.lines["WARNING"])
        return MILLION * (
            PRICES["api request"].each
            + PRICES["invocation"].each
            + gb_seconds * PRICES[f"duration {choice.lambda_architecture}"].each
            + read * PRICES["read unit"].each
            + logged / GB * PRICES["log"].each
        )

    def storage_cost(self, choice: Choice) -> float:
        """Compute the dollars for storing a million orders for a month: table, indexes and point-in-time recovery."""
        each = PRICES["storage"].each + PRICES["recovery"].each
        return MILLION * self.usage(choice).row / GB * each

    def idle_cost(self, choice: Choice) -> dict[str, float]:
        """Compute the dollars for a month without orders."""
        invocation, runs = self._sample.reconcile, MONTH / 60
        read = sum(charge.read for call in invocation.calls for charge in call.charges)
        receives = sum(call.name == "sqs.ReceiveMessage" for call in invocation.calls)
        gb_seconds = billed_seconds(invocation, choice, self.assumptions) * choice.lambda_memory_size / 1024
        return {
            "the mapping's long polls": POLLERS * MONTH / LONG_POLL * PRICES["queue request"].each,
            "the reconciler": runs
            * (
                read * PRICES["read unit"].each
                + receives * PRICES["queue request"].each
                + PRICES["invocation"].each
                + gb_seconds * PRICES[f"duration {choice.lambda_architecture}"].each
            ),
        }

    def parcel_costs(self, choice: Choice) -> dict[int, tuple[float, float, float]]:
        """Compute what parcels cost, by the number of parcels that the warehouse reports; 0 if it ships at once.

        Returns:
            Write units of an order; and the dollars of a million orders for these, and for the events: their requests,
            invocations and log.
        """
        found = {}
        for parcels, invocations in self._sample.parcels.items():
            charges = [charge for each in invocations for call in each.calls for charge in call.charges]
            units = sum(charge.row + charge.index for charge in charges)
            event = invocations[-1]
            seconds = billed_seconds(event, choice, self.assumptions)
            each = (
                PRICES["api request"].each
                + PRICES["invocation"].each
                + seconds * choice.lambda_memory_size / 1024 * PRICES[f"duration {choice.lambda_architecture}"].each
                + (ACCESS_LINE + event.lines["INFO"] + event.lines["metrics"]) / GB * PRICES["log"].each
            )
            found[parcels] = (units, MILLION * units * PRICES["write unit"].each, MILLION * parcels * each)
        return found

    def warehouse_cost(self, choice: Choice) -> dict[str, float]:
        """Compute the dollars that a warehouse over HTTP adds. To read the brake costs one unit."""
        batches = {size: self.usage(replace(choice, sqs_batch_size=size)).invocations["batch"] for size in (1, 10)}
        read = PRICES["read unit"].each
        return {
            "a million orders: the brake's reads, batches of 1": MILLION * batches[1] * read,
            "a million orders: the brake's reads, batches of 10": MILLION * batches[10] * read,
            "a month: the reconciler's reads of the brake": MONTH / 60 * read,
            "a month: the secret": PRICES["secret"].each,
            "a thousand new processes: reads of the secret": 1_000 * PRICES["secret request"].each,
        }
