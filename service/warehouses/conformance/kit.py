"""Runs the conformance checks against a warehouse."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext

from service.warehouses.conformance import (
    cancellation_checks,
    event_checks,
    history_checks,
    request_checks,
    signature_checks,
)
from service.warehouses.conformance.orders import Orders
from service.warehouses.conformance.receiver import Receiver
from service.warehouses.conformance.results import Result, Verdict
from service.warehouses.conformance.run import Run
from service.warehouses.conformance.under_test import WarehouseUnderTest

CHECKS = (
    signature_checks.FIRST,
    *request_checks.CHECKS,
    *cancellation_checks.CHECKS,
    *signature_checks.CHECKS,
    *cancellation_checks.AT_THE_END,
    *history_checks.CHECKS,
)
"""The checks in their order, without those of events."""


class Kit:
    """The conformance checks of one warehouse.

    Args:
        url: the base URL of the warehouse.
        keys: the keys of one or two secrets; the first one signs.
        product: the id of the product that the orders ask for.
        orders: the most orders, at least ``LEAST_ORDERS``.
        seconds: the time of the whole run.
        listen: the host and the port on which events are received; None for no events.

    Raises:
        OSError: the address to listen on cannot be used.
    """

    def __init__(
        self,
        url: str,
        keys: Sequence[bytes],
        product: str,
        orders: int,
        seconds: float,
        listen: tuple[str, int] | None = None,
    ) -> None:
        made = Orders(product, orders)
        now = time.monotonic()
        self.warehouse = WarehouseUnderTest(url, keys, now + seconds)
        self.receiver = Receiver(*listen, keys, made) if listen else None
        self._run = Run(self.warehouse, made, self.receiver, now, seconds)

    def run(self) -> Iterator[Result]:
        """Run the checks one after the other, and return each result as soon as it is there.

        If the first check is not right, the others do not run: the warehouse would take none of their requests.
        """
        events = event_checks.CHECKS if self.receiver else (event_checks.WITHOUT_RECEIVER,)
        with closing(self.warehouse), self.receiver or nullcontext():
            for check in (*CHECKS, *events):
                result = check.run(self._run)
                yield result
                if check is signature_checks.FIRST and result.verdict is not Verdict.RIGHT:
                    return
