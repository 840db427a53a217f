"""The faults of the simulated warehouse.

The seed, the key and the number of a request determine its faults; the seed and the id of a callback determine its own.
"""

import math
import threading
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, Self

from service.warehouses.decision import draw
from service.warehouses.ledger import CAPACITY

MAX_SECONDS = 3600.0
REFUSALS = {"unavailable": 503, "too_many": 429, "error": 500}
"""The faults before the work, and their statuses. If several happen to a request, the first one counts."""


def _rate(meaning: str) -> Any:
    return field(default=0.0, metadata={"help": f"share of {meaning}", "most": 1.0, "is_duration": False})


def _seconds(meaning: str, default: float) -> Any:
    return field(default=default, metadata={"help": meaning, "most": MAX_SECONDS, "is_duration": True})


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of faulty requests, from 0 to 1. Each field is an option, and a member of the JSON of ``/faults``."""

    too_many: float = _rate("requests that are answered 429 before the work")
    unavailable: float = _rate("requests that are answered 503 before the work; 1 is an outage")
    error: float = _rate("requests that are answered 500 before the work")
    lost: float = _rate("requests whose work is done, and whose connection is then closed without an answer")
    garbage: float = _rate("requests whose work is done, and whose answer is no answer of the contract")
    slow: float = _rate("requests whose work is done, and whose answer is slow")
    declined: float = _rate("deliveries that are declined beyond the success rate")
    refused: float = _rate("deliveries that are refused")
    closed: float = _rate("deliveries that are closed short: a part is shipped, and the rest never")
    cancel_asked: float = _rate("cancellations that are answered 202 and decided after half of --pick-seconds")
    cancel_refused: float = _rate("cancellations of accepted deliveries that are refused")
    callback_lost: float = _rate("callbacks that are never sent")
    callback_doubled: float = _rate("callbacks that are sent twice")
    callback_late: float = _rate("callbacks that are held back, so that later ones overtake them")
    slow_seconds: float = _seconds("duration of a slow answer in seconds", 1.0)
    retry_after: float = _seconds("Retry-After of 429 and 503 in seconds, rounded up", 1.0)
    callback_delay: float = _seconds("seconds until a callback is sent", 0.0)
    callback_late_seconds: float = _seconds("further seconds until a late callback is sent", 5.0)

    def __post_init__(self) -> None:
        for each in fields(self):
            value, most = getattr(self, each.name), each.metadata["most"]
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                raise ValueError(f"{each.name} must be a number from 0 to {most:g}")

    @classmethod
    def read(cls, document: Any) -> Self:
        """Read a JSON object, as ``strict_json`` parses it. A fault that it does not name is off.

        Raises:
            ValueError: it is no object, names an unknown fault, or a value is out of range; the message quotes nothing.
        """
        names = [each.name for each in fields(cls)]
        if not isinstance(document, dict) or not set(document) <= set(names):
            raise ValueError(f"the faults must be a JSON object with any of these members: {', '.join(names)}")
        return cls(**{name: float(value) if isinstance(value, Decimal) else value for name, value in document.items()})

    def shares(self) -> dict[str, float]:
        """Return the shares by name, without the durations."""
        return {each.name: getattr(self, each.name) for each in fields(self) if not each.metadata["is_duration"]}

    def as_dict(self) -> dict[str, float]:
        """Return all values by name."""
        return asdict(self)

    @property
    def wait(self) -> str:
        """The value of Retry-After."""
        return str(math.ceil(self.retry_after))


@dataclass(frozen=True, slots=True)
class Fate:
    """The faults that happen to one request. ``refusal`` is the status that it gets before the work, or None."""

    refusal: int | None
    lost: bool
    garbage: int | None
    seconds: float


class FaultInjector:
    """Counts the requests under each key and draws their faults. ``faults`` may be replaced at any time.

    Args:
        seed: seed of the faults.
        faults: the faults at the start.
        capacity: the number of keys whose requests are counted. Requests under other keys all have number 0.
    """

    def __init__(self, seed: str, faults: Faults, capacity: int = CAPACITY) -> None:
        self.faults = faults
        self._seed = seed
        self._capacity = capacity
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()

    def draw_fate(self, key: str) -> tuple[Faults, Fate]:
        """Draw the faults of the next request under a key.

        Returns:
            The shares that held at that moment, and the faults of the request.
        """
        with self._lock:
            faults = self.faults
            if key in self._requests or len(self._requests) < self._capacity:
                self._requests[key] += 1
            number = self._requests[key]

        def happens(fault: str) -> bool:
            share: float = getattr(faults, fault)
            return draw(self._seed, fault, key, number) < share

        return faults, Fate(
            refusal=next((status for fault, status in REFUSALS.items() if happens(fault)), None),
            lost=happens("lost"),
            garbage=int(draw(self._seed, "kind of garbage", key, number) * 1000) if happens("garbage") else None,
            seconds=faults.slow_seconds if happens("slow") else 0,
        )

    def draw_delays(self, callback_id: str) -> list[float]:
        """Draw the faults of a callback.

        Returns:
            The seconds after which each copy of it is sent; none if it is lost.
        """
        faults = self.faults
        if draw(self._seed, "callback_lost", callback_id) < faults.callback_lost:
            return []
        is_late = draw(self._seed, "callback_late", callback_id) < faults.callback_late
        delay = faults.callback_delay + (faults.callback_late_seconds if is_late else 0)
        return [delay] * (2 if draw(self._seed, "callback_doubled", callback_id) < faults.callback_doubled else 1)
