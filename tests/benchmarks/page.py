"""What docs/cost.md shows of a command, and whether the command still says so."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "cost.md").read_text()
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
MACHINE = re.compile(
    r"Lambda, duration|Lambda, concurrency|sqs_maximum_concurrency|the reconciler|arm64\"|sqs_batch_size"
)
"""Lines whose numbers go with the speed of the machine that measures."""


def shown(command: str) -> str:
    """The output of ``python -m command`` that the page has."""
    (block,) = re.findall(rf"^```\n\$ python -m {re.escape(command)}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(block)


def assert_shows(command: str, output: str) -> None:
    """The page has every line of an output and no other, with the same numbers, to a tenth."""
    on_the_page, now = _lines(shown(command)), _lines(output)
    assert on_the_page.keys() == now.keys()
    for words, numbers in now.items():
        tolerance = 3.0 if MACHINE.search(words) else 0.1
        for before, after in zip(on_the_page[words], numbers, strict=True):
            assert before == pytest.approx(after, rel=tolerance, abs=0.02), words


def _lines(text: str) -> dict[str, list[list[float]]]:
    """The numbers of each line, by its words; several lines can have the same words."""
    found = defaultdict(list)
    for line in filter(None, map(str.strip, text.splitlines())):
        words = re.sub(r"\s+", " ", NUMBER.sub("#", line))
        found[words].append([float(number.replace(",", "")) for number in NUMBER.findall(line)])
    return found
