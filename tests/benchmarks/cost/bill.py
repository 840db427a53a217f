"""Dollars for a million orders, part by part; what each lever saves; and what a month costs without any order."""

from dataclasses import dataclass, replace

from tests.benchmarks.cost.execution import Execution
from tests.benchmarks.cost.measured import Sample
from tests.benchmarks.cost.prices import PRICES
from tests.benchmarks.cost.usage import ACCESS_LINE, Assumed, Choice, Usage, billed, express_billed, usage

MILLION = 1_000_000
GB = 1e9
POLLERS = 5  # that look at an idle queue when maximum concurrency is set: lambda/latest/dg/services-sqs-scaling.html
LONG_POLL = 20  # seconds, the longest: SQSDeveloperGuide/quotas-queues.html
MONTH = 30 * 86_400  # seconds
EARLIER = {"STANDARD": 112.0, "EXPRESS": 14.0}
"""What the first design's model on paper came to."""

CHEAPEST = Choice("EXPRESS", "arm64", 10, "WARNING")


@dataclass(frozen=True, slots=True)
class Lever:
    """A change, and what it saves for a million orders."""

    name: str
    saved: float
    is_variable: bool = True


class Model:
    """The prices of orders, from one sample of them."""

    def __init__(self, sample: Sample, execution: Execution, assumed: Assumed) -> None:
        self._sample = sample
        self._execution = execution
        self.assumed = assumed

    def usage(self, choice: Choice) -> Usage:
        """What an order takes."""
        return usage(choice, self.assumed, self._sample, self._execution)

    def bill(self, choice: Choice) -> dict[str, float]:
        """Dollars for a million orders, by what they are for."""
        used = self.usage(choice)
        express = choice.workflow_type == "EXPRESS"
        duration = used.seconds * choice.lambda_memory_size / 1024
        each = {
            "Step Functions": (
                PRICES["express request"].each + express_billed(used.execution) * PRICES["express duration"].each
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
        return {what: MILLION * dollars for what, dollars in each.items()}

    def total(self, choice: Choice) -> float:
        """Dollars for a million orders."""
        return sum(self.bill(choice).values())

    def levers(self, base: Choice) -> list[Lever]:
        """What each change of one thing saves against a choice, the largest first."""
        changes = {
            'workflow_type = "EXPRESS"': replace(base, workflow_type="EXPRESS"),
            'log_level = "WARNING"': replace(base, log_level="WARNING"),
            'lambda_architecture = "arm64"': replace(base, lambda_architecture="arm64"),
            "sqs_batch_size = 10, not 1": base,
        }
        was = {"sqs_batch_size = 10, not 1": replace(base, sqs_batch_size=1)}
        found = [Lever(name, self.total(was.get(name, base)) - self.total(new)) for name, new in changes.items()]
        used, bill, unit = self.usage(base), self.bill(base), MILLION * PRICES["write unit"].each
        found += [
            Lever("rows that stay within 1 KB", (used.row_units - used.least_row_units) * unit, is_variable=False),
            Lever("no index by-status", sum(used.status_writes.values()) * unit, is_variable=False),
        ]
        if base.workflow_type == "EXPRESS":
            found.append(Lever("Step Functions' log at ERROR, not ALL", bill["its log"], is_variable=False))
        return sorted((lever for lever in found if lever.saved > 0), key=lambda lever: -lever.saved)

    def look(self, choice: Choice) -> float:
        """Dollars for a million ``GET /orders/{id}``."""
        made = self._sample.look
        read = sum(charge.read for call in made.calls for charge in call.charges)
        gb_seconds = billed(made, choice, self.assumed) * choice.lambda_memory_size / 1024
        logged = ACCESS_LINE + (made.lines["INFO"] if choice.log_level == "INFO" else made.lines["WARNING"])
        return MILLION * (
            PRICES["api request"].each
            + PRICES["invocation"].each
            + gb_seconds * PRICES[f"duration {choice.lambda_architecture}"].each
            + read * PRICES["read unit"].each
            + logged / GB * PRICES["log"].each
        )

    def kept(self, choice: Choice) -> float:
        """Dollars for keeping a million orders for a month: table, indexes, and point-in-time recovery."""
        each = PRICES["storage"].each + PRICES["recovery"].each
        return MILLION * self.usage(choice).row / GB * each

    def idle(self, choice: Choice) -> dict[str, float]:
        """Dollars for a month in which no order comes."""
        made, runs = self._sample.reconcile, MONTH / 60
        read = sum(charge.read for call in made.calls for charge in call.charges)
        receives = sum(call.name == "sqs.ReceiveMessage" for call in made.calls)
        gb_seconds = billed(made, choice, self.assumed) * choice.lambda_memory_size / 1024
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
