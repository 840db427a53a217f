"""Writes the output of three commands into docs/cost.md, and compares the page with it.

``python -m tests.benchmarks.page`` writes the page. With ``--measure`` it first measures the processor time of each
kind of invocation on this machine, and records it (``cost/durations.py``).
"""

import argparse
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"


def read_output(command: str) -> str:
    """Read the output of ``python -m command`` from the page."""
    (found,) = _block(command).findall(PAGE.read_text())
    return str(found)


def assert_shows(command: str, output: str) -> None:
    """Check that the page shows exactly this output of a command."""
    assert read_output(command) == output + "\n", "docs/cost.md is stale: .venv/bin/python -m tests.benchmarks.page"


def write(outputs: dict[str, str]) -> None:
    """Write the output of each command into the page."""
    text = PAGE.read_text()
    for command, output in outputs.items():
        text, replaced = _block(command).subn(lambda _, output=output: output + "\n", text)
        assert replaced == 1, f"{PAGE} has {replaced} blocks for {command}"
    PAGE.write_text(text)


def _block(command: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=^```\n\$ python -m {re.escape(command)}\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Compute the three reports, and write the page."""
    from tests.benchmarks import backlog, capacity
    from tests.benchmarks.cost.__main__ import report
    from tests.benchmarks.cost.bill import Model
    from tests.benchmarks.cost.durations import record_durations
    from tests.benchmarks.cost.execution import execution
    from tests.benchmarks.cost.sample import sample
    from tests.benchmarks.cost.usage import Assumptions

    arguments = argparse.ArgumentParser(prog="python -m tests.benchmarks.page", description=__doc__)
    arguments.add_argument("--measure", action="store_true", help="record the processor times of this machine")
    if arguments.parse_args().measure:
        record_durations(sample(rounds=10).busy)
    model = Model(sample(), execution(), Assumptions())
    write(
        {
            "tests.benchmarks.cost": report(model),
            "tests.benchmarks.capacity": capacity.report(model),
            "tests.benchmarks.backlog": backlog.report(backlog.Outage()),
        }
    )


if __name__ == "__main__":
    main()
