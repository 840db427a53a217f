"""The log capture finds every leak; without it, no other test of this directory would fail."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile.logs import CANARY, LogCapture, captured_logs, log_as_lambda

log = logging.getLogger("service.anything")


@pytest.fixture(autouse=True)
def logs() -> None:
    """The tests of this file leak on purpose."""


class Shouting(logging.Formatter):
    """Formats a record in its own way."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.name.upper()} {record.__dict__.get('who', '')}"


def chained() -> None:
    try:
        {}[CANARY]
    except KeyError as error:
        raise RuntimeError("something else") from error


def with_exception() -> None:
    try:
        chained()
    except RuntimeError:
        log.exception("it broke")


LEAKS = {
    "a message": lambda: log.warning(f"order of {CANARY}"),
    "an argument": lambda: log.warning("order of %s", CANARY),
    "an argument's part": lambda: log.info("order %r", {"customer_id": [CANARY]}),
    "the lowest level": lambda: log.debug("order of %s", CANARY),
    "another library": lambda: logging.getLogger("mangum.http").error("GET /%s", CANARY),
    "the root": lambda: logging.getLogger().error(CANARY),
    "an exception's cause": with_exception,
    "a stack's name": lambda: log.error("it broke", exc_info=ValueError(f"{CANARY} is no number")),
    "capitals": lambda: log.warning(CANARY.upper()),
    "another thread": lambda: ThreadPoolExecutor(1).submit(log.warning, CANARY).result(),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_every_leak_is_found(leak):
    with pytest.raises(AssertionError, match="1 of 2 lines show"), captured_logs():
        log.warning("all is well")
        leak()


def test_a_log_without_customer_data_passes():
    with captured_logs() as listening:
        log.warning("order %s: attempt %d broke off", "ord_1", 2)
    assert listening.lines == ["order ord_1: attempt 2 broke off"]


def test_an_uncaught_exception_is_part_of_the_log():
    with pytest.raises(AssertionError, match="1 of 1 lines show"), captured_logs():
        try:
            chained()
        except RuntimeError as error:
            log_as_lambda(error)


def test_lines_are_formatted_by_the_given_formatter():
    with pytest.raises(AssertionError, match="1 of 1 lines show"), captured_logs(Shouting()):
        log.warning("order", extra={"who": CANARY})
    with captured_logs(Shouting()) as listening:
        log.warning("nobody reads this: %s", CANARY)
    assert listening.lines == ["SERVICE.ANYTHING "]


def test_levels_and_handlers_are_restored_afterwards():
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    with captured_logs() as listening:
        assert isinstance(root.handlers[-1], LogCapture)
    assert (root.level, root.handlers) == before
    log.error(CANARY)
    assert listening.lines == []
