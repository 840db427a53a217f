"""Measures the speed of DOFS, each figure with a floor of the same run: ``python -m tests.benchmarks [SECTION …]``."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from tests.benchmarks.figures import Figure, record, table, warnings

SECTIONS = {
    "starts": "cold starts, and the modules and files that they load (about 2 minutes)",
    "warm": "a warm submission, its log and metrics (10 seconds)",
    "batch": "a batch of ten orders (10 seconds)",
    "calls": "AWS calls for an order (10 seconds)",
    "throughput": "orders per second and memory of the embedded cloud (5 minutes)",
    "compose": "orders per second on LocalStack; needs Docker (5 minutes)",
}
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN, END = "<!-- table: written by make bench RECORD=1 -->\n", "<!-- end of table -->"


def main() -> None:
    """Measure the given sections, print one table, and warn about slower figures."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {name:12}{text}" for name, text in SECTIONS.items()),
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", help="the sections to measure; all by default")
    parser.add_argument("--record", action="store_true", help="store the table and its ratios for later comparisons")
    arguments = parser.parse_args()
    if unknown := {*arguments.sections} - {*SECTIONS}:
        parser.error(f"there is no section {', '.join(sorted(unknown))}; see --help")
    figures: list[Figure] = []
    for name in arguments.sections or SECTIONS:
        sys.stderr.write(f"{name}: {SECTIONS[name]} …\n")
        rows: Callable[[], list[Figure]] = import_module(f"tests.benchmarks.{name}").rows
        figures += rows()
    print(table(figures))
    for warning in warnings(figures):
        print(f"worse by more than a fifth: {warning}")
    if arguments.record:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}{table(record(figures))}\n{END}{after}")


if __name__ == "__main__":
    main()
