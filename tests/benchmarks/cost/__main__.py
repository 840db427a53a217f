"""Computes dollars for a million orders, from AWS's list prices and from the calls, bytes and states of a few orders.

``python -m tests.benchmarks.cost`` takes a few orders through the real handler and one through the workflow, both on
the emulator. It counts what AWS charges for, and multiplies by the prices. Processor times are the recorded ones:
``python -m tests.benchmarks.page --measure`` measures them again. Other times, and the success rate, are options.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from tests.benchmarks.cost.bill import CHEAPEST, EARLIER, Lever, Model
from tests.benchmarks.cost.execution import execution
from tests.benchmarks.cost.measured import sample
from tests.benchmarks.cost.prices import AWS, DATED, PRICES, REGION
from tests.benchmarks.cost.usage import Assumed, Choice
from tests.benchmarks.tables import listed, table

STANDARD, EXPRESS = Choice(), Choice(workflow_type="EXPRESS")


def main() -> None:
    """Print the report."""
    arguments = argparse.ArgumentParser(prog="python -m tests.benchmarks.cost", description=__doc__)
    for name, help_text in (
        ("success_rate", "share of attempts that succeed"),
        ("call", "seconds from a request to AWS to its answer"),
        ("state", "seconds that Step Functions takes for a state"),
    ):
        default = getattr(Assumed(), name)
        option = f"--{name.replace('_', '-')}"
        arguments.add_argument(option, type=float, default=default, help=f"{help_text} (default: {default})")
    print(report(Model(sample(), execution(), Assumed(**vars(arguments.parse_args())))))


def report(model: Model) -> str:
    """Everything there is to say, as text."""
    parts = (_taken(model), _parts(model), _totals(model), *_levers(model), _besides(model), _prices())
    return "\n\n".join(parts)


def dollars(amount: float) -> str:
    """An amount to the cent."""
    return f"${amount:,.2f}"


def _taken(model: Model) -> str:
    alone, used = model.usage(replace(STANDARD, sqs_batch_size=1)), model.usage(STANDARD)
    warned = model.usage(replace(STANDARD, log_level="WARNING"))
    logs = f"{used.function_log:,.0f} ({warned.function_log:,.0f} at WARNING)"
    calls = ", ".join(f"{count:.2f} {name.partition('.')[2]}" for name, count in sorted(used.calls.items()))
    rows = [
        ("attempts", f"{used.attempts:.2f}"),
        ("invocations, messages one by one", f"{sum(alone.invocations.values()):.2f}"),
        ("invocations, batches of ten", f"{sum(used.invocations.values()):.2f}"),
        ("the function's calls", calls),
        ("state transitions", str(used.transitions)),
        ("write units of the row", f"{used.row_units:.2f}"),
        ("write units of its entries in indexes", f"{used.index_units:.2f}"),
        ("read units", f"{used.read_units:.2f}"),
        ("SQS requests, messages one by one", f"{alone.queue_requests:.2f}"),
        ("SQS requests, batches of ten", f"{used.queue_requests:.2f}"),
        ("bytes of the function's log, batches of ten", logs),
        ("bytes of an EXPRESS execution's log", f"{used.execution_log:,}"),
        ("bytes that it takes in the table", f"{used.row:,}"),
    ]
    return f"An order takes\n\n{listed(rows)}"


def _parts(model: Model) -> str:
    bills = [model.bill(choice) for choice in (STANDARD, EXPRESS, CHEAPEST)]
    rows = [(what, *(dollars(bill[what]) for bill in bills)) for what in bills[0]]
    rows.append(("together", *(dollars(sum(bill.values())) for bill in bills)))
    head = ("dollars for a million orders", "STANDARD", "EXPRESS", "cheapest")
    return f"{table(head, rows)}\n\nThe cheapest is EXPRESS, arm64, batches of 10, log level WARNING."


def _totals(model: Model) -> str:
    rows = []
    for architecture, batch in product(("x86_64", "arm64"), (1, 10)):
        made = [Choice(kind, architecture, batch) for kind in ("STANDARD", "EXPRESS")]
        rows.append((f"{architecture}, batches of {batch}", *(dollars(model.total(choice)) for choice in made)))
    for earlier, choice in ((EARLIER["STANDARD"], STANDARD), (EARLIER["EXPRESS"], EXPRESS)):
        differs = model.total(choice) - earlier
        sign = "more" if differs > 0 else "less"
        rows.append(
            (f"{choice.workflow_type} was thought to be {dollars(earlier)}", f"{dollars(abs(differs))} {sign}", "")
        )
    return table(("dollars for a million orders", "STANDARD", "EXPRESS"), rows)


def _levers(model: Model) -> Iterator[str]:
    for base in (STANDARD, EXPRESS):
        rows = [(f"{lever.name}{_kind(lever)}", dollars(lever.saved)) for lever in model.levers(base)]
        yield table(
            (f"what saves how much of {dollars(model.total(base))}, with {base.workflow_type}", "dollars"), rows
        )


def _kind(lever: Lever) -> str:
    return "" if lever.is_variable else " (no variable)"


def _besides(model: Model) -> str:
    idle = {f"a month without any order: {what}": amount for what, amount in model.idle(STANDARD).items()}
    rows = {
        "a million times GET /orders/{id}": model.look(STANDARD),
        "to keep a million orders for a month": model.kept(STANDARD),
        **idle,
    }
    return table(("besides", "dollars"), [(what, dollars(amount)) for what, amount in rows.items()])


def _prices() -> str:
    rows = [
        (price.text, "AWS" if price.checked == AWS else "not confirmed", price.page.removeprefix("https://"))
        for price in PRICES.values()
    ]
    return f"List prices of {REGION}, {DATED}, without free tiers and discounts\n\n{listed(rows)}"


if __name__ == "__main__":
    main()
