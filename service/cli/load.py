"""Submits orders at a fixed rate, and measures the response times.

The generator is open-loop: the time of each request is planned before the first one is sent, and the response time
counts from the planned time. If the server delays one request, the delay of the requests behind it is measured too.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from service.cli.api import AsyncApi
from service.cli.http_api import accepted_order_id
from service.cli.signals import Interruption
from service.orders import strict_json

PERCENTILES = (50, 90, 99)
BARS = 12
PRICES = ("29.99", "0.50", "1249.00", "7.25")


@dataclass(slots=True)
class LoadResult:
    """The result of a run. Times are in seconds."""

    sent: int = 0
    accepted: list[str] = field(default_factory=list)
    response_times: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False


async def generate_load(
    api: AsyncApi, customer_id: str, rate: float, duration: float, concurrency: int, on_response: Callable[[], None]
) -> LoadResult:
    """Submit orders at a fixed rate. A request is sent at its planned time, whether the others were answered or not.

    Args:
        api: the API.
        customer_id: the customer of the orders, who has no other orders.
        rate: orders per second.
        duration: the duration of the run, in seconds.
        concurrency: requests at the same time. Others wait, and their response time includes the wait.
        on_response: called for each request that is answered or has failed.
    """
    result, slots, interruption = LoadResult(), asyncio.Semaphore(concurrency), Interruption()
    in_flight: set[asyncio.Task[None]] = set()

    async def submit(number: int, planned: float) -> None:
        async with slots:
            error, order_id = await _submit(api, sample_order(customer_id, number))
        result.response_times.append(time.monotonic() - planned)
        if order_id is None:
            result.errors[error] += 1
        else:
            result.accepted.append(order_id)
        on_response()

    start = time.monotonic()
    with interruption.handle(in_flight):
        for number in range(max(1, round(rate * duration))):
            planned = start + number / rate
            await interruption.sleep(planned - time.monotonic())
            if interruption.requested:
                break
            result.sent += 1
            in_flight.add(asyncio.create_task(submit(number, planned)))
        outcomes = await asyncio.gather(*in_flight, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):  # CancelledError is not an Exception
            raise outcome
    result.seconds, result.interrupted = time.monotonic() - start, interruption.requested
    return result


async def _submit(api: AsyncApi, body: bytes) -> tuple[str, str | None]:
    """Submit an order without retries. Return the kind of error, and the id of the accepted order."""
    headers = {"Content-Type": "application/json"}
    try:
        response = await api.send("POST", "/order", max_tries=1, content=body, headers=headers)
    except httpx.TransportError as error:
        return type(error).__name__, None
    order_id = accepted_order_id(response)
    return "" if order_id else f"HTTP {response.status_code}", order_id


def sample_order(customer_id: str, number: int) -> bytes:
    """Return a valid order. Orders with different numbers differ."""
    quantity, price = number % 3 + 1, PRICES[number % len(PRICES)]
    cents = quantity * int(price.replace(".", ""))
    item = {"product_id": f"prod_{number % 100}", "quantity": quantity, "price": strict_json.parse(price)}
    total = strict_json.parse(f"{cents // 100}.{cents % 100:02}")
    return strict_json.canonical_text({"customer_id": customer_id, "items": [item], "total_amount": total}).encode()


def percentiles(times: Sequence[float]) -> dict[str, float] | None:
    """Return the 50th, 90th and 99th percentile (nearest rank) and the maximum; None if there are no times."""
    if not times:
        return None
    ordered = sorted(times)
    ranks = {f"p{share}": ordered[-(-len(ordered) * share // 100) - 1] for share in PERCENTILES}
    return {name: round(value, 4) for name, value in {**ranks, "max": ordered[-1]}.items()}


def histogram(times: Sequence[float]) -> list[dict[str, Any]]:
    """Count the times in at most 12 buckets. The upper bound of each bucket is twice that of the one before."""
    if not times:
        return []
    bounds = [max(max(times), 0.001) / 2**power for power in range(BARS)][::-1]
    counts = Counter(next((bound for bound in bounds if each <= bound), bounds[-1]) for each in times)
    bars = [{"up_to": round(bound, 4), "count": counts[bound]} for bound in bounds]
    first = next(index for index, bar in enumerate(bars) if bar["count"])
    return bars[first:]
