"""`dofs trace --aws`: the log lines of an order in the log group of the deployed function."""

import json
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from botocore.exceptions import ClientError
from moto.logs.models import logs_backends

from service.cli import log_group
from service.orders.submission import new_order
from tests.cli.commands import run
from tests.cli.log_lines import ORDER, ORDER_LINES, TRACE, line, messages
from tests.polling import PATIENCE, eventually
from tests.support import valid_order


@pytest.fixture
def on_aws(cloud, monkeypatch):
    """Trace an order with `--aws`, against the AWS endpoint of the embedded cloud."""
    monkeypatch.setattr("service.cli.log_group.PAUSE", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    return lambda *arguments, order=ORDER: run("--json", "trace", order, "--aws", *arguments)


def test_on_aws_an_order_is_traced_through_all_components(cloud, url, monkeypatch, caplog):
    caplog.set_level("INFO", "service")
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint.url)
    order_id = httpx.post(f"{url}/order", json=valid_order(), timeout=PATIENCE).json()["order_id"]

    def found():
        lines = run("--json", "trace", order_id, "--aws").lines
        return lines if {"api", "batch"} <= {each["event"] for each in lines} else None

    lines = eventually(found)
    assert [each["timestamp"] for each in lines] == sorted(each["timestamp"] for each in lines)
    # The workflow may log its first line before the API logs its answer.
    assert [each["event"] for each in lines if each["event"] != "api"] == ["validate", "store", "batch"]
    [api] = [each for each in lines if each["event"] == "api"]
    assert (api["route"], api["outcome"], lines[-1]["outcome"]) == ("POST /order", "202", "fulfilled")
    assert len({each["trace_id"] for each in lines}) == 1
    shown = run("trace", order_id, "--aws")
    assert (shown.code, shown.err) == (0, "")
    for event in ("api", "validate", "store", "batch"):
        assert f"  {event}  " in shown.out


@pytest.fixture
def group(cloud):
    """The function's log group, with only the streams that this test writes."""
    group = logs_backends[cloud.names.account][cloud.names.region].groups[f"/aws/lambda/{cloud.names.function}"]
    before, group.streams = group.streams, {}
    yield group
    group.streams = before


def put(group, *lines, ago=timedelta()):
    """Write lines into a new stream, with the timestamps of some time ago."""
    name = str(len(group.streams))
    group.create_log_stream(name)
    for number, each in enumerate(lines):
        written = int((time.time() - ago.total_seconds()) * 1000) + number
        text = each if isinstance(each, str) else json.dumps(each)
        group.put_log_events(name, [{"timestamp": written, "message": text}])


def test_on_aws_the_lines_of_all_streams_and_of_the_trace_are_found(group, on_aws):
    put(group, line(50, trace_id="0" * 32), ORDER_LINES[1], "START RequestId: 1 Version: 2", f"REPORT {ORDER}")
    put(group, ORDER_LINES[0], ORDER_LINES[3], line(60, order_id=f"{ORDER}0", trace_id=TRACE))
    put(group, ORDER_LINES[2], json.dumps(ORDER_LINES[2] | {"_aws": {}}))
    ran = on_aws()
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == [ORDER_LINES[1], ORDER_LINES[2], ORDER_LINES[0], ORDER_LINES[3]]


def test_on_aws_a_line_without_a_timestamp_has_that_of_its_event(group, on_aws):
    put(group, {"order_id": ORDER, "message": "late"}, {"order_id": ORDER, "message": "later"})
    put(group, line(order_id=ORDER, timestamp="9998-01-01T00:00:00Z", message="last"))
    assert messages(on_aws()) == ["late", "later", "last"]


def test_on_aws_all_pages_are_read(group, on_aws, monkeypatch):
    monkeypatch.setattr("service.cli.log_group.PAGE_SIZE", 3)
    for stream in range(3):
        put(group, *(line(10 * number + stream, order_id=ORDER) for number in range(10)))
    ran = on_aws()
    assert (ran.code, len(ran.lines)) == (0, 30)
    assert messages(ran) == [f"m{10 * number + stream}" for number in range(10) for stream in range(3)]


def test_on_aws_an_incomplete_search_is_an_error(group, on_aws, monkeypatch):
    monkeypatch.setattr("service.cli.log_group.PAGE_SIZE", 3)
    monkeypatch.setattr("service.cli.log_group.MAX_PAGES", 2)
    put(group, *(line(number, order_id=ORDER) for number in range(7)))
    ran = on_aws()
    assert (ran.code, len(ran.lines)) == (1, 6)
    assert f"is incomplete, without the pages after the first 2 for {ORDER}" in ran.err
    assert "--since and --until" in ran.err


@pytest.fixture
def terms(monkeypatch):
    """The terms that were searched for."""
    searched, search_term = [], log_group._search_term

    def noted(found, logs, term, span):
        searched.append(term)
        search_term(found, logs, term, span)

    monkeypatch.setattr(log_group, "_search_term", noted)
    return searched


def test_on_aws_only_the_first_traces_of_an_order_are_searched(group, on_aws, terms):
    put(group, *(line(number, order_id=ORDER, trace_id=f"{number:032x}") for number in range(12)))
    ran = on_aws()
    assert (ran.code, len(ran.lines)) == (1, 12)
    assert "without 2 more traces of the order" in ran.err
    assert terms == [ORDER, *(f"{number:032x}" for number in range(10))]


def test_on_aws_an_invalid_trace_id_is_not_searched(group, on_aws, terms):
    put(group, line(1, order_id=ORDER, trace_id='" ?"'), line(2, trace_id='" ?"'))
    assert messages(on_aws()) == ["m1"]
    assert terms == [ORDER]


def test_on_aws_the_default_search_is_the_last_week(group, on_aws):
    put(group, line(1, order_id=ORDER), ago=timedelta(days=8))
    put(group, line(2, order_id=ORDER), ago=timedelta(days=6))
    put(group, line(3, order_id=ORDER), ago=timedelta(hours=1))
    assert messages(on_aws()) == ["m2", "m3"]
    assert messages(on_aws("--since", "9d")) == ["m1", "m2", "m3"]
    assert messages(on_aws("--since", "2h")) == ["m3"]
    assert messages(on_aws("--since", "9d", "--until", "2h")) == ["m1", "m2"]


def test_on_aws_the_search_begins_when_the_order_was_created(cloud, group, on_aws):
    at = datetime.now(UTC) - timedelta(days=20)
    order_id = f"ord_of_before_{time.time_ns()}"
    cloud.system.store.create(new_order(valid_order(), order_id=order_id, owner="a", actor="api", at=at, write_id="w"))
    put(group, line(1, order_id=order_id), ago=timedelta(days=20, minutes=5))
    put(group, line(2, order_id=order_id), ago=timedelta(days=20, seconds=1))
    put(group, line(3, order_id=order_id), ago=timedelta(days=19))
    assert messages(on_aws(order=order_id)) == ["m2", "m3"]
    assert messages(on_aws("--since", "21d", order=order_id)) == ["m1", "m2", "m3"]


def test_on_aws_an_order_without_lines_is_an_error_with_advice(group, on_aws):
    ran = on_aws()
    assert (ran.code, ran.out) == (5, "")
    for part in ("/aws/lambda/dofs-orders-dev in ap-south-1", "DOFS_LOG_LEVEL=WARNING", "retention", "--region"):
        assert part in ran.err


def test_on_aws_an_unknown_log_group_is_an_error(cloud, group, on_aws):
    groups = logs_backends[cloud.names.account][cloud.names.region].groups
    kept = groups.pop(group.name)
    try:
        ran = on_aws()
    finally:
        groups[group.name] = kept
    assert (ran.code, ran.out) == (2, "")
    assert "There is no log group /aws/lambda/dofs-orders-dev in ap-south-1" in ran.err


def test_on_aws_a_missing_permission_is_an_error(group, on_aws, monkeypatch):
    def refused(*_):
        answer = {"Error": {"Code": "AccessDeniedException", "Message": "no logs:FilterLogEvents"}}
        raise ClientError(answer, "FilterLogEvents")

    monkeypatch.setattr("service.cli.log_group._search_term", refused)
    ran = on_aws()
    assert (ran.code, ran.out) == (4, "")
    assert "no logs:FilterLogEvents" in ran.err
