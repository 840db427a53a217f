"""Computes the orders per second that each default AWS quota and each Terraform variable allows, tightest first.

``python -m tests.benchmarks.capacity`` divides the quotas by the usage of an order, which it measures in the same run.
"""

import argparse
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

from service.provisioning.function import MAX_CONCURRENCY
from service.settings import Settings
from tests.benchmarks.cost.bill import Model
from tests.benchmarks.cost.execution import execution
from tests.benchmarks.cost.sample import sample
from tests.benchmarks.cost.usage import SHARDS, Assumptions, Choice, Usage
from tests.benchmarks.quotas import DATED, QUOTAS, REGION
from tests.benchmarks.tables import columns, table

VISIBILITY: int = Settings.__dataclass_fields__["visibility_timeout"].default
VARIABLES = (Path(__file__).parents[2] / "terraform" / "variables.tf").read_text()
CHOICES = [Choice(kind, sqs_batch_size=batch) for kind in ("STANDARD", "EXPRESS") for batch in (1, 10)]


@dataclass(frozen=True, slots=True)
class Bound:
    """Orders per second that a quota or variable allows."""

    name: str
    orders: float


def quotas(choice: Choice, used: Usage, shards: int = SHARDS) -> list[Bound]:
    """Compute the orders per second that AWS's default quotas allow, tightest first.

    Args:
        choice: the settings.
        used: the average usage of an order with these settings.
        shards: partitions of each status in the index ``by-status``; ids are random, so they are filled evenly.
    """
    needed = {
        f"StartExecution, {choice.workflow_type}": used.calls["sfn.StartExecution"],
        "Lambda, concurrency": used.seconds,
        "Lambda, invocations": sum(used.invocations.values()),
        "API Gateway": used.invocations["api"],
        "index by-status": max(used.status_writes.values()) / shards,
        "orders table": used.write_units,
        "SQS, messages in flight": in_flight(used),
    }
    if choice.workflow_type == "STANDARD":
        needed["StateTransition, STANDARD"] = used.transitions
    return _tightest_first({name: QUOTAS[name].limit / each if each else inf for name, each in needed.items()})


def in_flight(used: Usage) -> float:
    """Compute the messages in flight for each order per second. A failed message is one for its visibility timeout."""
    failed = used.attempts - used.status_writes["FULFILLED"]
    return used.attempts * used.durations["batch"] + failed * VISIBILITY


def variable_limits(used: Usage) -> list[Bound]:
    """Compute the orders per second that the defaults of two Terraform variables allow, tightest first."""
    rate = re.search(r'^variable "api_throttling_rate" \{.*?^  default += (\d+)$', VARIABLES, re.M | re.S)
    assert rate, "terraform/variables.tf has no default for api_throttling_rate"
    batches = used.invocations["batch"] * used.durations["batch"]
    return _tightest_first(
        {
            "api_throttling_rate": float(rate[1]) / used.invocations["api"],
            "sqs_maximum_concurrency": MAX_CONCURRENCY / batches,
        }
    )


def _tightest_first(bounds: dict[str, float]) -> list[Bound]:
    return [Bound(name, orders) for name, orders in sorted(bounds.items(), key=lambda each: each[1])]


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(prog="python -m tests.benchmarks.capacity", description=__doc__).parse_args()
    print(report(Model(sample(), execution(), Assumptions())))


def report(model: Model) -> str:
    """Write the tables as text."""
    return "\n\n".join(_tables(model))


def _tables(model: Model) -> Iterator[str]:
    used = {choice: model.usage(choice) for choice in CHOICES}
    bounds = {choice: quotas(choice, used[choice]) for choice in CHOICES}
    yield _by_choice("orders per second, by AWS quota", bounds)
    yield _by_choice("orders per second, by variable", {choice: variable_limits(used[choice]) for choice in CHOICES})
    yield columns(
        [
            (
                f"{choice.workflow_type}, batches of {choice.sqs_batch_size}:",
                f"first {first.name} ({first.orders:,.0f}/s), then {second.name} ({second.orders:,.0f}/s)",
            )
            for choice, (first, second, *_) in bounds.items()
        ]
    )
    shards = (1, 2, 4, 8, 16)
    express = Choice("EXPRESS")
    by_shards = [{each.name: each for each in quotas(express, used[express], number)} for number in shards]
    yield table(
        ("partitions of each status", *map(str, shards)),
        [("orders per second, index by-status", *(f"{each['index by-status'].orders:,.0f}" for each in by_shards))],
    )
    yield f"Default quotas of {REGION}, {DATED}, per second unless the unit says otherwise\n\n" + columns(
        [
            (
                name,
                f"{quota.limit:,} {quota.unit}",
                "AWS" if quota.confirmed else "not confirmed",
                quota.page.removeprefix("https://"),
            )
            for name, quota in QUOTAS.items()
        ]
    )


def _by_choice(title: str, bounds: dict[Choice, list[Bound]]) -> str:
    """Format a table with a column for each choice. Its rows have the order of the last choice."""
    found = {choice: {_short(bound.name): bound.orders for bound in each} for choice, each in bounds.items()}
    names = dict.fromkeys(name for each in reversed(found.values()) for name in each)
    head = (title, *(f"{choice.workflow_type}, {choice.sqs_batch_size}" for choice in found))
    rows = [(name, *(f"{each[name]:,.0f}" if name in each else "–" for each in found.values())) for name in names]
    return table(head, rows)


def _short(name: str) -> str:
    return name.removesuffix(", STANDARD").removesuffix(", EXPRESS")


if __name__ == "__main__":
    main()
