"""Every metric in the documentation exists: AWS documents it, or the service records it."""

import re
from pathlib import Path

import pytest

from service.orders.metric import Metric, page
from tests.monitoring.documented import DOCUMENTED

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "docs" / "openapi.json"]
CODE = [
    file
    for folder in ("service", "terraform", "workflows", "localstack")
    for file in (ROOT / folder).rglob("*")
    if file.suffix in {".py", ".tf", ".json", ".js"} and not {".terraform", "__pycache__"} & set(file.parts)
]
METRICS = {str(metric) for metric in Metric} | {name for each in DOCUMENTED.values() for name in each.metrics}
OTHER_METRICS = {"NumberOfMessagesSent"}
"""A metric of AWS that the documentation explains and no alarm uses."""

ELSEWHERE = set("ErrorPath NoSuchBucket PendingConfirmation ReservedConcurrentExecutions TransactWriteItems".split())
"""Names of AWS that are not metrics and are not in the code."""

NAME = r"[A-Z][a-z]+(?:[A-Z]+[a-z]*)+|[45]XX[A-Z]\w+"


@pytest.fixture(scope="module")
def code() -> str:
    return "\n".join(file.read_text() for file in CODE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_quoted_camel_case_name_is_a_metric_or_is_in_the_code(document, code):
    """A misspelled or removed metric is in no other file."""
    quoted = set(re.findall(rf"`({NAME})`", document.read_text()))
    unknown = {name for name in quoted - METRICS - OTHER_METRICS - ELSEWHERE if not re.search(rf"\b{name}\b", code)}
    assert not unknown


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_name_like_a_metric_of_the_service_is_one(document):
    ours = r"(?:Orders|Submissions|Attempts|Idempotent|Poison|Reconciler)[A-Z][a-z]+|TimeTo[A-Z][a-z]+"
    assert set(re.findall(rf"\b(?:{ours})\b", document.read_text())) <= METRICS


def test_the_metrics_page_is_up_to_date():
    assert (ROOT / "docs" / "metrics.md").read_text() == page(), "docs/metrics.md is stale: make fmt"
