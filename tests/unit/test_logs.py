"""The log: one JSON object per line, whatever is logged, or text for a terminal."""

import io
import json
import logging
from dataclasses import replace

import pytest

from service import logs
from tests.support import SETTINGS


@pytest.fixture
def stream():
    """What the root logger writes while it has one handler of our own."""
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


def test_a_terminal_gets_text(stream):
    logs.configure(replace(SETTINGS, log_format="text"))
    logging.getLogger("service").warning("order %s waits", "ord_1")
    assert stream.getvalue().endswith(" WARNING service: order ord_1 waits\n")


def test_what_is_below_the_level_is_not_written(stream):
    logs.configure(replace(SETTINGS, log_level="ERROR"))
    logging.getLogger("service").warning("order %s waits", "ord_1")
    assert stream.getvalue() == ""
