"""The saved queries use fields that log lines have."""

import re

import pytest

from service import logs
from tests.monitoring.test_alarms import RUNBOOK
from tests.monitoring.watched import alarms, queries

QUERIES = queries()
LANGUAGE = set(
    "fields filter sort stats limit by as asc desc in and or count count_distinct latest pct max ispresent".split()
)
BUILT_IN = {"@timestamp", "@message", "@log", "@logStream"}


def identifiers(query):
    """The identifiers in a query, without strings, numbers and comments."""
    bare = re.sub(r'"[^"]*"', "", re.sub(r"#.*", "", query))
    return set(re.findall(r"@?[A-Za-z_]\w*", bare))


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_uses_fields_of_the_log(name):
    own = set(re.findall(r" as (\w+)", QUERIES[name]))
    assert identifiers(QUERIES[name]) - LANGUAGE - BUILT_IN - own <= set(logs.FIELDS)


@pytest.mark.parametrize("name", QUERIES)
def test_an_alias_of_a_query_hides_no_field(name):
    assert not set(re.findall(r" as (\w+)", QUERIES[name])) & set(logs.FIELDS)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_limits_its_result(name):
    assert "| limit " in QUERIES[name] or "| stats " in QUERIES[name]


def test_a_query_lists_the_log_of_one_order_by_time():
    query = QUERIES["one-order"]
    assert 'filter order_id = "ord_…"' in query
    assert "sort @timestamp asc" in query


def test_each_query_named_by_alarms_and_runbook_exists():
    descriptions = " ".join(alarm["description"] for alarm in alarms().values())
    named = set(re.findall(r"saved query\s+`([\w-]+)`", descriptions + RUNBOOK))
    assert named
    assert named <= QUERIES.keys()
