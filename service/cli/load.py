"""Load at a fixed rate, and what it did to every single order.

The generator is open-loop: requests have their instants before the first is sent, and their time is counted from
there. A server that holds up one request thereby holds up those behind it, in the numbers too.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from service.cli.api import AsyncApi
from service.cli.http_api import json_of
from service.cli.signals import Interruption
from service.orders import strict_json

PERCENTILES = (50, 90, 99)
BARS = 12
PRICES = ("29.99", "0.50", "1249.00", "7.25")


@dataclass(slots=True)
class Measured:
    """What a run has measured. Times are in seconds."""

    sent: int = 0
    accepted: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    took: float = 0.0
    interrupted: bool = False


async def generate(
    api: AsyncApi, customer_id: str, rate: float, duration: float, at_once: int, answered: Callable[[], None]
) -> Measured:
    """Submit orders at a fixed rate, each at its instant whatever became of those before.

    Args:
        api: the API.
        customer_id: whose orders they are; nobody else's.
        rate: orders a second.
        duration: seconds to go on for.
        at_once: requests at the same time; more wait, and their waiting counts.
        answered: called for each request that came to an end.
    """
    measured, gate, interruption = Measured(), asyncio.Semaphore(at_once), Interruption()
    under_way: set[asyncio.Task[None]] = set()

    async def one(number: int, planned: float) -> None:
        async with gate:
            kind, order_id = await _submit(api, sample(customer_id, number))
        measured.times.append(time.monotonic() - planned)
        if order_id is None:
            measured.errors[kind] += 1
        else:
            measured.accepted.append(order_id)
        answered()

    began = time.monotonic()
    with interruption.watching(under_way):
        for number in range(max(1, round(rate * duration))):
            planned = began + number / rate
            await interruption.sleep(planned - time.monotonic())
            if interruption.came:
                break
            measured.sent += 1
            under_way.add(asyncio.create_task(one(number, planned)))
        results = await asyncio.gather(*under_way, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):  # not those that were cancelled
            raise result
    measured.took, measured.interrupted = time.monotonic() - began, interruption.came
    return measured


async def _submit(api: AsyncApi, body: bytes) -> tuple[str, str | None]:
    """Submit once, without a second try; the kind of what went wrong, and the id of what was accepted."""
    try:
        response = await api.send("POST", "/order", tries=1, content=body, headers={"Content-Type": "application/json"})
    except httpx.TransportError as error:
        return type(error).__name__, None
    content = json_of(response)
    if response.status_code == 202 and isinstance(content, dict) and isinstance(content.get("order_id"), str):
        return "", content["order_id"]
    return f"HTTP {response.status_code}", None


def sample(customer_id: str, number: int) -> bytes:
    """The order number so-and-so of a run: valid, and unlike its neighbors."""
    quantity, price = number % 3 + 1, PRICES[number % len(PRICES)]
    cents = quantity * int(price.replace(".", ""))
    item = {"product_id": f"prod_{number % 100}", "quantity": quantity, "price": strict_json.parse(price)}
    total = strict_json.parse(f"{cents // 100}.{cents % 100:02}")
    return strict_json.canonical_text({"customer_id": customer_id, "items": [item], "total_amount": total}).encode()


def percentiles(times: Sequence[float]) -> dict[str, float] | None:
    """The 50th, 90th and 99th percentile (nearest rank) and the maximum, in seconds; None of nothing."""
    if not times:
        return None
    ordered = sorted(times)
    ranks = {f"p{share}": ordered[-(-len(ordered) * share // 100) - 1] for share in PERCENTILES}
    return {name: round(value, 4) for name, value in {**ranks, "max": ordered[-1]}.items()}


def histogram(times: Sequence[float]) -> list[dict[str, Any]]:
    """How many times fall below which bound: at most 12 bars whose bounds double, in seconds."""
    if not times:
        return []
    bounds = [max(max(times), 0.001) / 2**power for power in range(BARS)][::-1]
    counts = Counter(next((bound for bound in bounds if each <= bound), bounds[-1]) for each in times)
    bars = [{"up_to": round(bound, 4), "count": counts[bound]} for bound in bounds]
    first = next(index for index, bar in enumerate(bars) if bar["count"])
    return bars[first:]
