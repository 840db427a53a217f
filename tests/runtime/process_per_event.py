"""``python -m tests.runtime.process_per_event``: handles each event in a process of its own.

Each line of the input is a task; the output has one line for each: the answer, or null if the process ended without
one. The order whose document contains ``poison`` ends every process that asks the warehouse for it.
"""

import json
import os
import sys
from datetime import timedelta
from threading import Barrier, Event

from service.handler import dispatch
from service.orders.model import Order
from service.orders.warehouse import Answer, State
from service.settings import Settings
from service.wiring import LiveSystem
from tests.polling import PATIENCE
from tests.support import Context
from tests.warehouse_answers import TOO_LATE


class System(LiveSystem):
    """The live system with a clock that is ahead by some seconds."""

    ahead = 0.0

    @property
    def now(self):
        return lambda: super(System, self).now() + timedelta(seconds=self.ahead)


class Warehouse:
    """Ships every order but the poison; that one ends the process once ``together`` attempts run."""

    def cancel(self, order: Order, seconds: float) -> Answer:
        return TOO_LATE

    def ask(self, order: Order, seconds: float) -> Answer:
        if together.parties > 1:
            together.wait(PATIENCE)
        if '"poison"' in order.submission:
            os._exit(1)
        if together.parties > 1:
            Event().wait(PATIENCE)  # the process ends before
        return Answer(State.SHIPPED)

    def look(self, order: Order, seconds: float) -> Answer:
        return Answer(State.NOT_FOUND)  # nobody looks at an order that was shipped: it is FULFILLED


together = Barrier(1)


def handle(task, system):
    """Handle one event in a child process; return its answer, or None."""
    global together
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        sys.stdout = sys.stderr  # metrics are written there
        system.ahead, together = task["ahead"], Barrier(task["together"])
        answer = dispatch(task["event"], Context(), system)
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else None


def main():
    system = System(Settings.load())
    system.fulfiller = Warehouse()
    _ = system._clients.dynamodb, system._clients.sqs
    for line in sys.stdin:
        sys.stdout.write(json.dumps(handle(json.loads(line), system)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
