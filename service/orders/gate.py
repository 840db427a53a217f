"""The gate to the warehouse: lets the orders of a batch pass, unless the brake is on."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from service.orders.brake import Brake, after_refusal, after_taking, with_probe
from service.orders.ports import System, Unavailable
from service.orders.warehouse import Answer, State

log = logging.getLogger(__name__)

TRIES = 3
"""How often a change is tried again, if another process changes the row at the same time."""


class Passage(Enum):
    """Whether an order may be sent to the warehouse."""

    OPEN = auto()
    PROBE = auto()  # the brake is on, and this order finds out whether it can be released
    CLOSED = auto()


class Gate:
    """The brake, as one batch of messages meets it. Several threads can share one instance.

    It reads the row once, and changes it only after an answer that says something new. If the row cannot be read or
    written, orders pass: the brake saves attempts, and guards nothing.
    """

    def __init__(self, system: System) -> None:
        self._store, self._now = system.brake, system.now
        self._brake = Brake()
        self._probe = ""
        self._read()

    def enter(self, order_id: str) -> Passage:
        """Return whether an order may be sent to the warehouse now. At most one order per probe gets ``PROBE``.

        Args:
            order_id: the order. If it was told ``PROBE`` before, it is told so again: it may have waited for others.
        """
        if not self._brake.is_on:
            return Passage.OPEN
        if self._probe == order_id:
            return Passage.PROBE
        if self._brake.is_probe_due(self._now()) and self._change(with_probe):
            self._probe = order_id
            return Passage.PROBE
        return Passage.CLOSED if self._brake.is_on else Passage.OPEN

    def note(self, answer: Answer | Exception) -> bool:
        """Take note of the warehouse's answer to a request.

        Args:
            answer: the answer; an exception if the outcome is unknown, which says nothing about other requests.

        Returns:
            Whether the brake is on now.
        """
        was_on = self._brake.is_on
        if isinstance(answer, Answer) and answer.state is State.NOT_TAKEN:
            self._change(lambda brake, now: after_refusal(brake, now, answer.retry_after))
            if self._brake.is_on and not was_on:
                reason = answer.reason or "it gave no reason"
                extra = {"outcome": "brake_on"}
                log.error("the warehouse takes nothing, %s; orders wait as PENDING until it does", reason, extra=extra)
        elif isinstance(answer, Answer) and (self._brake.refusals or was_on) and self._change(after_taking) and was_on:
            extra = {"outcome": "brake_off"}
            log.warning("the warehouse takes orders again; the reconciler sends those that wait", extra=extra)
        return self._brake.is_on

    def _read(self) -> None:
        try:
            self._brake = self._store.read()
        except Unavailable as error:
            log.warning("the brake was not read, %s; orders pass", error)

    def _change(self, change: Callable[[Brake, datetime], Brake]) -> bool:
        """Change the row; False if there was nothing to change, or if other processes were faster."""
        try:
            for _ in range(TRIES):
                brake = self._brake
                changed = change(brake, self._now())
                if changed == brake:
                    return False
                changed = replace(changed, version=brake.version + 1)
                if self._store.replace(changed):
                    self._brake = changed
                    return True
                self._brake = self._store.read()
        except Unavailable as error:
            log.warning("the brake was not changed, %s", error)
        return False
