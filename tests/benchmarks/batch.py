"""Measures a batch of ten orders, with an endpoint that answers after five milliseconds.

The floor is the two calls of one order, claim and end, made in sequence by the same client. No batch can be faster.
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
from tests.benchmarks.warm import NoMetrics
from tests.support import SETTINGS, Context, sqs_event

LATENCY = 0.005  # seconds
ORDERS = 10
CALLS = 2  # of an order: claim and fulfill
ROUNDS = 40


def rows() -> list[Figure]:
    """Measure row 7."""
    bodies = [f'{{"order_id": "ord_{number:032x}"}}' for number in range(ORDERS)]
    batch, messages = sqs_event(*bodies), [sqs_event(body) for body in bodies]
    before, level = sys.getswitchinterval(), logging.getLogger().level
    with endpoint(LATENCY) as url, patch.dict(os.environ, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test"):
        settings = replace(SETTINGS, cloud="localstack", aws_endpoint_url=url, fulfillment_success_rate=1.0)
        system: Any = LiveSystem(settings)
        system.metrics = NoMetrics()
        dynamodb = system._clients.dynamodb

        def in_sequence() -> None:
            for _ in range(CALLS):
                dynamodb.update_item(TableName=settings.orders_table, Key={"order_id": {"S": "ord_1"}})

        def in_parallel() -> None:
            with ThreadPoolExecutor(ORDERS) as pool:
                for made in [pool.submit(in_sequence) for _ in range(ORDERS)]:
                    made.result()

        def process(event: Any) -> None:
            assert dispatch(event, Context(), system) == {"batchItemFailures": []}

        sys.setswitchinterval(0.0005)  # as service/function.py does
        logging.getLogger().setLevel("WARNING")
        try:
            taken = least_wall(
                {
                    "floor": in_sequence,
                    "calls": in_parallel,
                    "batch": lambda: process(batch),
                    "naive": lambda: [process(message) for message in messages],
                },
                ROUNDS,
            )
        finally:
            sys.setswitchinterval(before)
            logging.getLogger().setLevel(level)
    naive = f"{taken['naive'] / taken['floor']:.1f} ×"
    name = f"a batch of {ORDERS} orders, {LATENCY * 1000:.0f} ms a call"
    floor = (taken["floor"], f"{CALLS} calls in sequence")
    return [
        Figure("7", name, taken["batch"], "ms", *floor, naive, 1.5),
        Figure("7", f"its {CALLS * ORDERS} calls alone, on {ORDERS} threads", taken["calls"], "ms", *floor),
    ]
