"""Computes the cost of a million orders from AWS's list prices and the measured usage of a few orders.

``python -m tests.benchmarks.cost`` sends a few orders through the real handler and one through the workflow, both on
the emulator. It counts the billed units and multiplies them by the prices. Processor times are recorded ones:
``python -m tests.benchmarks.page --measure`` measures them again. Other times, and the success rate, are options.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from tests.benchmarks.cost.bill import CHEAPEST, EARLIER, Model, Saving
from tests.benchmarks.cost.execution import execution
from tests.benchmarks.cost.lists import owner_index_cost, page_rows
from tests.benchmarks.cost.prices import AWS, DATED, PRICES, REGION
from tests.benchmarks.cost.sample import sample
from tests.benchmarks.cost.usage import Assumptions, Choice
from tests.benchmarks.tables import columns, table

STANDARD, EXPRESS = Choice(), Choice(workflow_type="EXPRESS")


def main() -> None:
    """Print the report."""
    arguments = argparse.ArgumentParser(prog="python -m tests.benchmarks.cost", description=__doc__)
    for name, help_text in (
        ("success_rate", "share of attempts that succeed"),
        ("call", "seconds from a request to AWS to its answer"),
        ("state", "seconds that Step Functions takes for a state"),
    ):
        default = getattr(Assumptions(), name)
        option = f"--{name.replace('_', '-')}"
        arguments.add_argument(option, type=float, default=default, help=f"{help_text} (default: {default})")
    print(report(Model(sample(), execution(), Assumptions(**vars(arguments.parse_args())))))


def report(model: Model) -> str:
    """Write all tables as text."""
    others = (_other_costs(model), _warehouse(model), _parcels(model), *_lists(), _prices())
    parts = (_usage(model), _bills(model), _totals(model), *_savings(model), *others)
    return "\n\n".join(parts)


def dollars(amount: float) -> str:
    """Format an amount in dollars and cents."""
    return f"${amount:,.2f}"


def _usage(model: Model) -> str:
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
        ("bytes in the table and its indexes", f"{used.row:,}"),
    ]
    return f"Average usage of an order\n\n{columns(rows)}"


def _bills(model: Model) -> str:
    bills = [model.bill(choice) for choice in (STANDARD, EXPRESS, CHEAPEST)]
    rows = [(item, *(dollars(bill[item]) for bill in bills)) for item in bills[0]]
    rows.append(("total", *(dollars(sum(bill.values())) for bill in bills)))
    head = ("dollars for a million orders", "STANDARD", "EXPRESS", "cheapest")
    return f"{table(head, rows)}\n\nThe cheapest is EXPRESS, arm64, batches of 10, log level WARNING."


def _totals(model: Model) -> str:
    rows = []
    for architecture, batch in product(("x86_64", "arm64"), (1, 10)):
        choices = [Choice(kind, architecture, batch) for kind in ("STANDARD", "EXPRESS")]
        rows.append((f"{architecture}, batches of {batch}", *(dollars(model.total(choice)) for choice in choices)))
    for earlier, choice in ((EARLIER["STANDARD"], STANDARD), (EARLIER["EXPRESS"], EXPRESS)):
        differs = model.total(choice) - earlier
        sign = "more" if differs > 0 else "less"
        rows.append((f"{choice.workflow_type}, estimated at {dollars(earlier)}", f"{dollars(abs(differs))} {sign}", ""))
    return table(("dollars for a million orders", "STANDARD", "EXPRESS"), rows)


def _savings(model: Model) -> Iterator[str]:
    for base in (STANDARD, EXPRESS):
        rows = [(f"{saving.name}{_note(saving)}", dollars(saving.dollars)) for saving in model.savings(base)]
        yield table((f"savings from {dollars(model.total(base))}, with {base.workflow_type}", "dollars"), rows)


def _note(saving: Saving) -> str:
    return "" if saving.is_variable else " (no variable)"


def _other_costs(model: Model) -> str:
    idle = {f"a month without orders: {item}": amount for item, amount in model.idle_cost(STANDARD).items()}
    rows = {
        "a million requests GET /orders/{id}": model.read_cost(STANDARD),
        "storage of a million orders for a month": model.storage_cost(STANDARD),
        **idle,
    }
    return table(("other costs", "dollars"), [(item, dollars(amount)) for item, amount in rows.items()])


def _warehouse(model: Model) -> str:
    rows = [(item, dollars(amount)) for item, amount in model.warehouse_cost(STANDARD).items()]
    return table(("added by a warehouse over HTTP", "dollars"), rows)


def _parcels(model: Model) -> str:
    names = {0: "shipped at once", 1: "accepted, then one parcel"}
    rows = [
        (names.get(parcels, f"accepted, then {parcels} parcels"), f"{units:g}", dollars(writes), dollars(events))
        for parcels, (units, writes, events) in model.parcel_costs(STANDARD).items()
    ]
    return table(("a warehouse that ships later", "write units", "a million: writes", "events"), rows)


def _lists() -> Iterator[str]:
    rows = [(item, dollars(amount)) for item, amount in owner_index_cost().items()]
    yield table(("added by a user pool (api_auth = cognito)", "dollars"), rows)
    yield table(("read units of a page", "limit 20", "limit 100", "a million of 20"), page_rows())


def _prices() -> str:
    rows = [
        (price.text, "AWS" if price.checked == AWS else "not confirmed", price.page.removeprefix("https://"))
        for price in PRICES.values()
    ]
    return f"List prices of {REGION}, {DATED}, without free tiers and discounts\n\n{columns(rows)}"


if __name__ == "__main__":
    main()
