"""The listener hears what it is there to hear: none of the other tests would fail if it did not."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.hostile.logs import CANARY, Overheard, left_the_function, overheard

log = logging.getLogger("service.anything")


@pytest.fixture(autouse=True)
def heard() -> None:
    """The tests of this file tell on purpose."""


class Shouting(logging.Formatter):
    """Writes a record as another formatter would not."""

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
def test_whatever_tells_what_was_sent_is_heard(leak):
    with pytest.raises(AssertionError, match="1 of 2 lines tell"), overheard():
        log.warning("all is well")
        leak()


def test_what_tells_nothing_is_heard_and_is_no_failure():
    with overheard() as listening:
        log.warning("order %s: attempt %d broke off", "ord_1", 2)
    assert listening.lines == ["order ord_1: attempt 2 broke off"]


def test_an_exception_that_leaves_the_function_is_part_of_the_log():
    with pytest.raises(AssertionError, match="1 of 1 lines tell"), overheard():
        try:
            chained()
        except RuntimeError as error:
            left_the_function(error)


def test_lines_are_those_of_the_formatter_that_is_given():
    with pytest.raises(AssertionError, match="1 of 1 lines tell"), overheard(Shouting()):
        log.warning("order", extra={"who": CANARY})
    with overheard(Shouting()) as listening:
        log.warning("nobody reads this: %s", CANARY)
    assert listening.lines == ["SERVICE.ANYTHING "]


def test_levels_and_handlers_are_what_they_were_afterwards():
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    with overheard() as listening:
        assert isinstance(root.handlers[-1], Overheard)
    assert (root.level, root.handlers) == before
    log.error(CANARY)
    assert listening.lines == []
