"""The function's log group in the embedded cloud: it keeps the last lines, and never raises."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from moto.logs.models import LogGroup

from service.embedded import log_group
from service.embedded.log_group import LogGroupHandler
from tests.embedded.support import running_cloud

GROUP = "/aws/lambda/dofs-orders-dev"


@pytest.fixture
def group():
    return LogGroup("123456789012", "ap-south-1", GROUP)


@pytest.fixture
def logger(group):
    """A logger that writes only to the group."""
    made = logging.Logger("service.test", "INFO")
    made.addHandler(LogGroupHandler(group))
    return made


def messages(group):
    return [json.loads(event.message)["message"] for stream in group.streams.values() for event in stream.events]


def test_log_lines_can_be_searched_as_on_aws_until_the_cloud_stops(caplog):
    service = logging.getLogger("service.anything")
    caplog.set_level("INFO", "service.anything")
    with running_cloud() as cloud:
        service.info("told %s", "once")
        logging.getLogger("another").warning("not ours")
        found = cloud.client("logs").filter_log_events(logGroupName=GROUP, filterPattern='"told once"')["events"]
        assert [json.loads(event["message"])["message"] for event in found] == ["told once"]
        assert not cloud.client("logs").filter_log_events(logGroupName=GROUP, filterPattern='"not ours"')["events"]
        assert [type(each) for each in logging.getLogger("service").handlers].count(LogGroupHandler) == 1
    assert LogGroupHandler not in [type(each) for each in logging.getLogger("service").handlers]


def test_the_log_group_has_the_name_in_terraform():
    with running_cloud(environment="test") as cloud:
        [group] = cloud.client("logs").describe_log_groups()["logGroups"]
    assert group["logGroupName"] == "/aws/lambda/dofs-orders-test"


def test_only_the_last_lines_are_kept(group, logger, monkeypatch):
    monkeypatch.setattr(log_group, "LINES", 10)
    monkeypatch.setattr(log_group, "STREAMS_KEPT", 3)
    for number in range(95):
        logger.info("%d", number)
        assert len(group.streams) <= 3
    assert messages(group) == [str(number) for number in range(70, 95)]


def test_a_search_sees_a_snapshot(group, logger, monkeypatch):
    monkeypatch.setattr(log_group, "LINES", 1)
    logger.info("x")
    walked = group.streams
    names = list(walked)
    for _ in range(20):
        logger.info("x")
    assert list(walked) == names


def test_a_long_line_is_cut(group, logger):
    logger.info("x" * 10_000_000)
    [stream] = group.streams.values()
    assert len(stream.events[0].message) == log_group.LINE_LENGTH


def test_a_record_that_cannot_be_formatted_raises_nothing(group, logger, capsys):
    class Unspeakable:
        def __str__(self):
            raise RuntimeError("unspeakable")

    logger.info("%s", Unspeakable())
    logger.info("%d and %d", 1)
    logger.info("after")
    assert messages(group)[-1:] == ["after"]
    assert all(each.startswith("a line that cannot be written") for each in messages(group)[:-1])
    assert capsys.readouterr() == ("", "")


def test_a_failing_log_group_raises_nothing(group, logger, capsys):
    group.streams = None
    next(iter(logger.handlers))._stream = None
    logger.info("lost")
    assert capsys.readouterr() == ("", "")


def test_logging_while_a_line_is_written_does_not_recurse(group, logger):
    class Talkative:
        def __str__(self):
            logger.info("while %s", self)
            return "written"

    logger.info("%s", Talkative())
    assert messages(group) == ["written"]


def test_concurrent_threads_lose_no_line(group, logger, monkeypatch):
    monkeypatch.setattr(log_group, "LINES", 5)
    monkeypatch.setattr(log_group, "STREAMS_KEPT", 1000)
    with ThreadPoolExecutor(4) as pool:
        for writing in [pool.submit(lambda: [logger.info("x") for _ in range(500)]) for _ in range(4)]:
            writing.result()
    assert len(messages(group)) == 2000
