"""Following orders until nothing moves them any more."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from service.cli.api import AsyncApi, quoted
from service.cli.errors import CliError, ExitCode
from service.cli.polling import Followed, pauses

PAGE = 100


async def each_by_id(
    followed: Followed, api: AsyncApi, timeout: float, at_once: int, ended: Callable[[], None]
) -> None:
    """Look at each open order again and again until all are at their end.

    Args:
        followed: the orders; it holds what was found.
        api: the API.
        timeout: seconds after which to give up.
        at_once: requests at the same time.
        ended: called for each order that comes to its end.

    Raises:
        CliError: the API refuses to tell. While it cannot be reached the orders are taken as open.
    """
    ends, gaps, gate = time.monotonic() + timeout, pauses(), asyncio.Semaphore(at_once)

    async def look(order_id: str) -> None:
        async with gate:
            order = await _order(order_id, api)
        if order is not None and followed.saw(order):
            ended()

    while followed.open:
        await asyncio.gather(*(look(order_id) for order_id in followed.open))
        if followed.open:
            pause = gaps.within(ends)
            if pause is None:
                return
            await asyncio.sleep(pause)


async def of_one_customer(
    followed: Followed, customer_id: str, api: AsyncApi, timeout: float, ended: Callable[[], None]
) -> dict[str, dict[str, Any]]:
    """Look through a customer's list again and again until all followed orders in it are at their end.

    Args:
        followed: the orders; it holds what was found.
        customer_id: whose orders they are.
        api: the API.
        timeout: seconds after which to give up.
        ended: called for each order that comes to its end.

    Returns:
        The orders of the customer that were not to be followed, by id.
    """
    ends, gaps = time.monotonic() + timeout, pauses()
    others: dict[str, dict[str, Any]] = {}
    while True:
        cursor = None
        try:
            while True:
                query = {"customer_id": customer_id, "limit": PAGE, **({"cursor": cursor} if cursor else {})}
                page = await api.get("/orders", "The list", **query)
                for order in page["orders"]:
                    if order["order_id"] not in followed.orders:
                        others[order["order_id"]] = order
                    elif followed.saw(order):
                        ended()
                cursor = page["next_cursor"]
                if cursor is None:
                    break
        except CliError as stop:
            if stop.code is not ExitCode.API:
                raise
        pause = gaps.within(ends) if followed.open else None
        if pause is None:
            break
        await asyncio.sleep(pause)
    for order_id in [order_id for order_id, order in followed.orders.items() if order is None]:
        order = await _order(order_id, api)  # the list may lag behind; the order itself does not
        if order is not None and followed.saw(order):
            ended()
    return others


async def _order(order_id: str, api: AsyncApi) -> dict[str, Any] | None:
    """An order as it stands; None when it is not to be had now."""
    try:
        order: dict[str, Any] = await api.get(f"/orders/{quoted(order_id)}", f"Order {order_id}")
    except CliError as stop:
        if stop.code in (ExitCode.API, ExitCode.NO_SUCH_ORDER):
            return None
        raise
    return order
