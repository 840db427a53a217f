"""A round of the reconciler: pushes the orders that are due for one reason, side by side."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import Any

from service.orders.model import Order
from service.orders.ports import error_name

log = logging.getLogger(__name__)

STOP_AFTER = 5
"""A round ends when so many pushes in a row found that a service does not answer: the next ones would not either."""

PAGES = Iterator[Sequence[Order]]


class Round:
    """The orders that are due for one reason. It takes turns, and keeps its place between them.

    Pages of orders are read, and orders are pushed, in threads of the round's own. So a call that hangs costs no more
    than the rest of a turn. A later turn does not wait for it, and pushes as many orders beside it.

    Args:
        name: names the orders in the log.
        pages: the orders that are due, in pages, the most urgent first. A page is read when it is asked for.
        push: pushes one order, and returns the outcome: ``unavailable`` if a service does not answer, ``throttled`` if
            calls come too fast.
        limit: the most orders to push.
        parallel: the most orders to push at the same time.
    """

    def __init__(self, name: str, pages: PAGES, push: Callable[[Order], str], limit: int, parallel: int) -> None:
        self.name = name
        self.done: Counter[str] = Counter()
        self._pages, self._push = pages, push
        self._limit, self._most, self._parallel = limit, parallel, parallel
        self._due: deque[Order] = deque()
        self._reading: Any = None
        self._pushing: set[Any] = set()
        self._has_pages = True
        self._unanswered = 0
        self._pool = ThreadPoolExecutor(2 * parallel + 1, thread_name_prefix="reconcile")

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to begin, and nothing is running."""
        return not (self._pushing or self._reading or self._wants_page or self._wants_push)

    def take_turn(self, left: Callable[[], float]) -> None:
        """Push orders until none is left, or the time is over.

        Args:
            left: returns the seconds that are left of the turn.
        """
        earlier = set(self._pushing)
        while left() > 0:
            while self._wants_push and len(self._pushing - earlier) < self._parallel:
                self._pushing.add(self._pool.submit(copy_context().run, self._push, self._due.popleft()))
            if self._wants_page and self._reading is None:
                self._reading = self._pool.submit(copy_context().run, self._read)
            if not self.collect(left()):
                return

    def collect(self, seconds: float) -> bool:
        """Wait until a read or a push ends, and count it; False if nothing is running, or nothing ends in time."""
        running = [*self._pushing, *([self._reading] if self._reading else [])]
        ended, _ = wait(running, max(0.0, seconds), FIRST_COMPLETED) if running else ((), None)
        for future in ended:
            if future is self._reading:
                self._end_read(future)
            else:
                self._end_push(future)
        return bool(ended)

    def close(self) -> None:
        """Begin nothing any more. Threads that hang are left behind."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def _wants_push(self) -> bool:
        return bool(self._due) and self._limit > len(self._pushing)

    @property
    def _wants_page(self) -> bool:
        """Whether the orders that were read are soon used up, and do not reach the limit."""
        ahead = len(self._due)
        return self._has_pages and ahead < self._most and ahead + len(self._pushing) < self._limit

    def _read(self) -> Sequence[Order] | None:
        return next(self._pages, None)

    def _end_read(self, read: "Future[Sequence[Order] | None]") -> None:
        self._reading = None
        if error := read.exception():  # orders in another state must not wait for this one
            log.error("%s: not read, %s", self.name, error_name(error), exc_info=error)
            self.done["errors"] += 1
        page = None if error else read.result()
        self._has_pages = page is not None
        self._due.extend(page or ())

    def _end_push(self, pushed: "Future[str]") -> None:
        self._pushing.remove(pushed)
        if error := pushed.exception():
            log.error("%s: a push ended with %s", self.name, error_name(error), exc_info=error)
        outcome = "errors" if error else pushed.result()
        match outcome:
            case "throttled":
                self._parallel = max(1, self._parallel // 2)
            case "unavailable":
                self._unanswered += 1
                if self._unanswered == STOP_AFTER:
                    log.error("%s: %d pushes in a row had no answer; the next run goes on", self.name, STOP_AFTER)
                    self._limit = 0
            case "errors":
                pass  # an error of this order alone, which must not use up the limit
            case _:
                self._unanswered = 0
                self._parallel = min(self._most, self._parallel + 1)
                self._limit -= 1
        self.done["errors" if outcome in ("throttled", "unavailable") else outcome] += 1


def take_turns(rounds: Sequence[Round], left: Callable[[], float]) -> None:
    """Give each round an equal share of the time. The others use the time that a round leaves.

    Args:
        rounds: the rounds, the most urgent first.
        left: returns the seconds that are left for all rounds.
    """

    def left_until(rest: float) -> float:
        return left() - rest

    unfinished = list(rounds)
    while unfinished and left() > 0:
        for number, each in enumerate(unfinished):
            now = left()
            each.take_turn(partial(left_until, now - now / (len(unfinished) - number)))
        unfinished = [each for each in unfinished if not each.is_over]
