"""A state of the model, and the steps between states."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from service.orders.lifecycle import Status
from tests.exploration.ledger import Delivery, Ledger, Word
from tests.exploration.row import Row, intern


class By(IntEnum):
    """Who makes a step: an actor that always comes at last, or one that may never come."""

    CHANCE = 0
    SYSTEM = 1


class Worker(NamedTuple):
    """An attempt: its lease, the delivery and the lines that it asks for, and the answer once there is one."""

    owner: int
    delivery: int
    lines: int
    answer: Word | None = None


class World(NamedTuple):
    """One state of the model."""

    row: Row
    ledger: Ledger
    workers: tuple[Worker | None, ...] = (None, None)
    look: Word | None = None
    late: tuple[tuple[int, int], ...] = ()
    """The delivery and the lines of each request that arrives after the attempt has ended."""
    faults: int = 2
    cancels: int = 1


class Step(NamedTuple):
    """A step to another state, with the invariant that the step itself breaks, if any."""

    by: By
    label: str
    world: World
    broken: str = ""


@dataclass(frozen=True)
class Bounds:
    """The bounds of the exploration. Keys beyond ``deliveries`` are not modelled: the last delivery always ships.

    With ``lies``, the warehouse may forget a delivery, and ship under a key that it has ended; each is a fault. Its
    callbacks come at last.
    """

    attempts: int = 2
    faults: int = 2
    redrives: int = 1
    deliveries: int = 3
    lies: bool = False

    def first(self) -> World:
        """The first state: a PENDING order."""
        return World(intern(Row(Status.PENDING)), (Delivery(),) * self.deliveries, faults=self.faults)
