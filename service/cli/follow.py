"""Polls orders until they reach a terminal state."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from service.cli.api import AsyncApi, quote_id
from service.cli.backend import PAGE_SIZE
from service.cli.errors import CliError, ExitCode
from service.cli.polling import Backoff, TrackedOrders


async def follow_each(
    tracked: TrackedOrders, api: AsyncApi, timeout: float, concurrency: int, on_terminal: Callable[[], None]
) -> None:
    """Request each open order again and again until all are in a terminal state.

    Args:
        tracked: the orders; their last known states are stored in it.
        api: the API.
        timeout: the time limit, in seconds.
        concurrency: the number of requests at the same time.
        on_terminal: called for each order that reaches a terminal state.

    Raises:
        CliError: the API refuses the request. While the API cannot be reached, the orders count as open.
    """
    deadline, backoff, slots = time.monotonic() + timeout, Backoff(), asyncio.Semaphore(concurrency)

    async def update(order_id: str) -> None:
        async with slots:
            order = await _get_order(order_id, api)
        if order is not None and tracked.update(order):
            on_terminal()

    while tracked.open_ids:
        await asyncio.gather(*(update(order_id) for order_id in tracked.open_ids))
        if tracked.open_ids:
            pause = backoff.next_pause(deadline)
            if pause is None:
                return
            await asyncio.sleep(pause)


async def follow_customer(
    tracked: TrackedOrders, customer_id: str, api: AsyncApi, timeout: float, on_terminal: Callable[[], None]
) -> dict[str, dict[str, Any]]:
    """List the orders of a customer again and again until all tracked orders are in a terminal state.

    Args:
        tracked: the orders; their last known states are stored in it.
        customer_id: the customer of all the orders.
        api: the API.
        timeout: the time limit, in seconds.
        on_terminal: called for each order that reaches a terminal state.

    Returns:
        The orders of the customer that are not tracked, by id.
    """
    deadline, backoff = time.monotonic() + timeout, Backoff()
    others: dict[str, dict[str, Any]] = {}
    while True:
        cursor = None
        try:
            while True:
                query = {"customer_id": customer_id, "limit": PAGE_SIZE, **({"cursor": cursor} if cursor else {})}
                page = await api.get("/orders", "The list", **query)
                for order in page["orders"]:
                    if order["order_id"] not in tracked.orders:
                        others[order["order_id"]] = order
                    elif tracked.update(order):
                        on_terminal()
                cursor = page["next_cursor"]
                if cursor is None:
                    break
        except CliError as error:
            if error.code is not ExitCode.API:
                raise
        pause = backoff.next_pause(deadline) if tracked.open_ids else None
        if pause is None:
            break
        await asyncio.sleep(pause)
    for order_id in [order_id for order_id, order in tracked.orders.items() if order is None]:
        order = await _get_order(order_id, api)  # unlike the list, this read is strongly consistent
        if order is not None and tracked.update(order):
            on_terminal()
    return others


async def _get_order(order_id: str, api: AsyncApi) -> dict[str, Any] | None:
    """Return an order; None if it is unknown, or if the API cannot be reached now."""
    try:
        order: dict[str, Any] = await api.get(f"/orders/{quote_id(order_id)}", f"Order {order_id}")
    except CliError as error:
        if error.code in (ExitCode.API, ExitCode.NO_SUCH_ORDER):
            return None
        raise
    return order
