"""The log has one JSON object per line, or text for a terminal."""

import io
import json
import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest

from service import logs
from service.aws.clients import Clients
from tests.support import SETTINGS


@pytest.fixture
def stream():
    """The output of the root logger, whose handlers are replaced by one that writes here."""
    root, written = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level, [handler.formatter for handler in root.handlers]
    root.handlers = [logging.StreamHandler(written)]
    yield written
    root.handlers, root.level = before[:2]
    for handler, formatter in zip(root.handlers, before[2], strict=True):
        handler.setFormatter(formatter)


def test_each_record_is_one_json_object_on_one_line(stream):
    logs.configure(SETTINGS)
    log = logging.getLogger("service.steps.fulfill")
    log.warning("order %s: a line\nand another, “quoted”", "ord_1")
    try:
        raise ConnectionError("the table\ndoes not answer")
    except ConnectionError:
        log.exception("order %s: broke off", "ord_2")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first.pop("timestamp").endswith("Z")
    assert first == {
        "level": "WARNING",
        "logger": "service.steps.fulfill",
        "message": "order ord_1: a line\nand another, “quoted”",
    }
    assert (second["level"], second["message"]) == ("ERROR", "order ord_2: broke off")
    assert second["exception"].startswith("Traceback")
    assert second["exception"].endswith("ConnectionError: the table\ndoes not answer")


def test_the_text_format_is_one_line_of_text(stream):
    logs.configure(replace(SETTINGS, log_format="text"))
    logging.getLogger("service").warning("order %s waits", "ord_1")
    assert stream.getvalue().endswith(" WARNING service: order ord_1 waits\n")


def test_records_below_the_level_are_not_written(stream):
    logs.configure(replace(SETTINGS, log_level="ERROR"))
    logging.getLogger("service").warning("order %s waits", "ord_1")
    assert stream.getvalue() == ""


def test_requests_to_aws_are_not_logged_at_any_level(stream):
    """botocore logs the parameters of each call, such as a row with an address."""
    logging.getLogger("botocore").setLevel(logging.NOTSET)
    logs.configure(replace(SETTINGS, log_level="DEBUG"))
    client = Clients(replace(SETTINGS, cloud="localstack", aws_endpoint_url="http://127.0.0.1:9")).dynamodb
    answer = SimpleNamespace(status_code=200, headers={}, content=b"{}")
    client.meta.events.register("before-send", lambda **_: answer)
    client.put_item(TableName="orders", Item={"submission": {"S": "Hauptstraße 1"}})
    assert "put_item" not in stream.getvalue().lower()
    assert "Haupt" not in stream.getvalue()


def test_a_line_has_the_fields_of_the_enclosing_contexts(stream):
    logs.configure(SETTINGS)
    log = logging.getLogger("service")
    with logs.with_fields(order_id="ord_1", execution=None):
        with logs.with_fields(attempt=2):
            logs.note(reason="declined")
            log.warning("inside", extra={"outcome": "failed", "private": "x"})
        log.warning("outside")
    log.warning("after")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    about = [{name: line[name] for name in logs.ABOUT if name in line} for line in lines]
    assert about == [
        {"order_id": "ord_1", "attempt": 2, "reason": "declined", "outcome": "failed"},
        {"order_id": "ord_1"},
        {},
    ]
    assert all(line.keys() <= set(logs.FIELDS) for line in lines)


def test_a_note_outside_of_a_context_is_dropped(stream):
    logs.configure(SETTINGS)
    logs.note(order_id="ord_1")
    logging.getLogger("service").warning("after")
    assert "order_id" not in json.loads(stream.getvalue())


def test_text_lines_add_the_order_fields_that_the_message_lacks(stream):
    logs.configure(replace(SETTINGS, log_format="text"))
    with logs.with_fields(order_id="ord_12", attempt=2, request_id="r", trace_id="t"):
        logging.getLogger("service").warning("order %s failed", "ord_12")
        logging.getLogger("service").warning("it failed")
    first, second = stream.getvalue().splitlines()
    assert first.endswith(" WARNING service: order ord_12 failed  attempt=2")
    assert second.endswith(" WARNING service: it failed  order_id=ord_12  attempt=2")


def test_a_nested_invocation_has_no_fields_of_the_outer_one(stream):
    """A server handles a pipelined request in the context of the one before it."""
    logs.configure(SETTINGS)
    with logs.invocation("api", logging.WARNING, request_id="first"):
        logs.note(order_id="ord_1", outcome="202")
        with logs.invocation("api", logging.WARNING, request_id="second"):
            pass
    second, first = map(json.loads, stream.getvalue().splitlines())
    assert (second["request_id"], second.get("order_id"), second["outcome"]) == ("second", None, "ok")
    assert (first["request_id"], first["order_id"], first["outcome"]) == ("first", "ord_1", "202")


def test_a_line_that_cannot_be_formatted_is_reported_and_raises_nothing(stream):
    class Unprintable:
        def __str__(self):
            raise RuntimeError("canary")

    logs.configure(SETTINGS)
    log = logging.getLogger("service")
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with logs.with_fields(order_id=Unprintable()):
        log.warning("one")
    with logs.with_fields(order_id=deep):
        log.warning("two")
    messages = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert messages == [f"a line that cannot be written: {error}" for error in ("RuntimeError", "RecursionError")]


def test_logging_never_raises_when_a_handler_does():
    class Raising(logging.Handler):
        def emit(self, record):
            raise OSError("the pipe is closed")

    root, handler = logging.getLogger(), Raising()
    before = root.handlers[:], root.level
    root.handlers = [handler]
    try:
        logs.configure(SETTINGS)
        logging.getLogger("service").error("it is done all the same")
    finally:
        root.handlers, root.level = before


def test_the_text_format_escapes_control_characters(stream):
    logs.configure(replace(SETTINGS, log_format="text"))
    logging.getLogger("service").warning("x\n2026-11-24 ERROR forged \x1b[31m")
    (line,) = stream.getvalue().splitlines()
    assert line.endswith("x\\n2026-11-24 ERROR forged \\x1b[31m")
