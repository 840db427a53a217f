"""The saved queries ask for what stands in the log's lines."""

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


def words(query):
    """What a query names, without its texts, numbers and comments."""
    bare = re.sub(r'"[^"]*"', "", re.sub(r"#.*", "", query))
    return set(re.findall(r"@?[A-Za-z_]\w*", bare))


@pytest.mark.parametrize("name", QUERIES)
def test_it_asks_for_fields_that_the_log_has(name):
    own = set(re.findall(r" as (\w+)", QUERIES[name]))
    assert words(QUERIES[name]) - LANGUAGE - BUILT_IN - own <= set(logs.FIELDS)


@pytest.mark.parametrize("name", QUERIES)
def test_its_own_names_hide_no_field(name):
    assert not set(re.findall(r" as (\w+)", QUERIES[name])) & set(logs.FIELDS)


@pytest.mark.parametrize("name", QUERIES)
def test_it_has_an_end(name):
    assert "| limit " in QUERIES[name] or "| stats " in QUERIES[name]


def test_one_orders_whole_story_is_one_of_them_and_in_order():
    story = QUERIES["one-order"]
    assert 'filter order_id = "ord_…"' in story
    assert "sort @timestamp asc" in story


def test_what_alarms_and_runbook_name_is_there():
    descriptions = " ".join(alarm["description"] for alarm in alarms().values())
    named = set(re.findall(r"saved query\s+`([\w-]+)`", descriptions + RUNBOOK))
    assert named
    assert named <= QUERIES.keys()
