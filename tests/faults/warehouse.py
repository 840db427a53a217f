"""A warehouse outside of the system, with the ledger of the simulation. Its calls can fail."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from service.orders.model import Order
from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, OtherItems, State
from service.settings import Settings
from tests.faults.fault_injector import Fault, FaultInjector
from tests.simulation.warehouse import Ledger
from tests.support import ManualClock
from tests.warehouse_answers import CANCELLING

T = TypeVar("T", bound=Answer)

LATE = 70.0
"""Seconds until a request without an answer takes effect: after two further deliveries of its message."""
NOT_TAKEN = Answer(State.NOT_TAKEN)
IN_WORK = {"ask": Answer(State.ACCEPTED), "look": Answer(State.ACCEPTED), "cancel": CANCELLING}
DECISIONS = {Fault.DECLINED: State.DECLINED, Fault.REFUSED: State.REFUSED}


class FaultyWarehouse:
    """The port of the warehouse. ``ledger`` remembers what it was asked for, and what it shipped."""

    def __init__(self, injector: FaultInjector, clock: ManualClock, settings: Settings) -> None:
        self._injector = injector
        self._clock = clock
        self._settings = settings
        self.clear()

    def clear(self) -> None:
        """Begin with an empty ledger."""
        self.ledger = Ledger(self._settings.fulfillment_seed, self._settings.fulfillment_success_rate)
        self._opens_at = datetime.min.replace(tzinfo=UTC)

    def close(self, seconds: float) -> None:
        """Take no order for so many seconds."""
        self._opens_at = self._clock() + timedelta(seconds=seconds)

    def ask(self, order: Order, _seconds: float) -> Answer:
        key = order.delivery_key
        is_closed = self._clock() < self._opens_at
        return self._call("ask", key, lambda: NOT_TAKEN if is_closed else self.ledger.ask(key))

    def look(self, order: Order, _seconds: float) -> Answer:
        key = order.delivery_key
        return self._call("look", key, lambda: self.ledger.look(key))

    def cancel(self, order: Order, _seconds: float) -> Answer:
        key = order.delivery_key
        return self._call("cancel", key, lambda: self.ledger.cancel(key))

    def _call(self, operation: str, key: str, work: Callable[[], T]) -> T:
        def answer(fault: Fault, take_effect: Callable[[], T]) -> T:
            match fault:
                case Fault.DECLINED | Fault.REFUSED:
                    self.ledger.deliveries.setdefault(key, DECISIONS[fault])
                    return take_effect()
                case Fault.NOT_TAKEN:
                    return NOT_TAKEN
                case Fault.OTHER_ITEMS:
                    raise OtherItems(key)
                case Fault.LATE:
                    self._injector.call_later(LATE, take_effect)
                case Fault.ACCEPTED:
                    if operation == "ask":
                        self.ledger.ask(key)  # also while it takes no order: it has this one now
                    take_effect()
                    return IN_WORK[operation]
                case Fault.MALFORMED:
                    take_effect()
                    raise Unavailable(f"{operation}: not an answer of the contract")
                case Fault.LOST:
                    take_effect()
            raise TimeoutError(f"{operation}: no answer")

        return self._injector.call_warehouse(operation, work, answer)
