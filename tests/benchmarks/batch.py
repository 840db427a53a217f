"""What a batch of ten orders takes, at an endpoint that answers after five milliseconds.

The floor is one order's own calls, claim and end, made one after the other by the same client: less than the batch
could only take if ten orders were one.
"""

import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from service.handler import dispatch
from service.wiring import LiveSystem
from tests.benchmarks.endpoint import endpoint
from tests.benchmarks.figures import Figure
from tests.benchmarks.interleave import least_wall
from tests.benchmarks.warm import Nothing
from tests.support import SETTINGS, Context, sqs_event

LATENCY = 0.005  # seconds
ORDERS = 10
CALLS = 2  # of an order: it is claimed, and it is fulfilled
ROUNDS = 40


def rows() -> list[Figure]:
    """Row 7."""
    bodies = [f'{{"order_id": "ord_{number:032x}"}}' for number in range(ORDERS)]
    batch, messages = sqs_event(*bodies), [sqs_event(body) for body in bodies]
    before, level = sys.getswitchinterval(), logging.getLogger().level
    with endpoint(LATENCY) as url, patch.dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"):
        settings = replace(SETTINGS, cloud="localstack", aws_endpoint_url=url, fulfillment_success_rate=1.0)
        system: Any = LiveSystem(settings)
        system.metrics = Nothing()
        dynamodb = system._clients.dynamodb

        def one_after_the_other() -> None:
            for _ in range(CALLS):
                dynamodb.update_item(TableName=settings.orders_table, Key={"order_id": {"S": "ord_1"}})

        def side_by_side() -> None:
            with ThreadPoolExecutor(ORDERS) as pool:
                for made in [pool.submit(one_after_the_other) for _ in range(ORDERS)]:
                    made.result()

        def fulfilled(event: Any) -> None:
            assert dispatch(event, Context(), system) == {"batchItemFailures": []}

        sys.setswitchinterval(0.0005)  # as service/function.py does
        logging.getLogger().setLevel("WARNING")
        try:
            taken = least_wall(
                {
                    "floor": one_after_the_other,
                    "calls": side_by_side,
                    "batch": lambda: fulfilled(batch),
                    "naive": lambda: [fulfilled(message) for message in messages],
                },
                ROUNDS,
            )
        finally:
            sys.setswitchinterval(before)
            logging.getLogger().setLevel(level)
    naive = f"{taken['naive'] / taken['floor']:.1f} ×"
    what = f"a batch of {ORDERS} orders, {LATENCY * 1000:.0f} ms a call"
    floor = (taken["floor"], f"{CALLS} calls in sequence")
    return [
        Figure("7", what, taken["batch"], "ms", *floor, naive, 1.5),
        Figure("7", f"its {CALLS * ORDERS} calls alone, on {ORDERS} threads", taken["calls"], "ms", *floor),
    ]
