"""Measures a warm ``POST /order`` through the handler, and the share of its log and metrics.

AWS is stubbed. There are two floors. "pydantic alone" checks the types of an order and responds. "the work itself"
parses, validates and stores the same order as strictly as the service does, without a web framework, log or metrics.
"""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from fastapi import FastAPI, Request, Response
from mangum import Mangum
from mangum.handlers import APIGateway
from pydantic import BaseModel

from service import logs
from service.aws.metrics import EmbeddedMetricFormat
from service.embedded.functions import event_loop
from service.handler import dispatch
from service.orders import strict_json
from service.orders.model import Order
from service.orders.orders import Orders
from service.orders.submission import Submission
from service.wiring import LiveSystem
from tests import events
from tests.api.proxy import at
from tests.benchmarks.figures import Figure
from tests.benchmarks.interleave import least_cpu
from tests.support import SETTINGS, Context, valid_order

ROUNDS, TIMES = 60, 40


class Stubs:
    """An order store and a workflow that always succeed."""

    def create(self, order: Order) -> Order:
        return order

    def start(self, *_: Any) -> bool:
        return True


class NoMetrics:
    """Metrics that are discarded."""

    def record(self, *_: Any, **__: Any) -> None:
        pass

    def flush(self) -> None:
        pass


class FormattingHandler(logging.Handler):
    """Formats each line and discards it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.format(record)


class System(LiveSystem):
    """The system of the function, with AWS stubbed."""

    store: Any = Stubs()
    workflow: Any = Stubs()
    metrics: Any = NoMetrics()


class Item(BaseModel):
    """An item of an order, with its types only."""

    product_id: str
    quantity: int
    price: Decimal


class TypedOrder(BaseModel):
    """An order, with its types only."""

    customer_id: str
    items: list[Item]
    total_amount: Decimal


def rows() -> list[Figure]:
    """Measure rows 5 and 6."""
    event = at("/order", events.load("api_post_order"))
    event["body"] = strict_json.canonical_text(valid_order())
    context, silent, observed_system = Context(), System(SETTINGS), System(SETTINGS)
    observed_system.metrics = EmbeddedMetricFormat("DOFS", "prod", observed_system.now, lambda line: None)
    threads = set[int]()

    def submit(system: System, level: str) -> None:
        logging.getLogger().setLevel(level)
        assert dispatch(event, context, system)["statusCode"] == 202
        threads.add(threading.active_count())

    def bare() -> Any:
        trace = "00-697dcd385f1e2a3b4c5d6e7f80910111-4c5d6e7f80910111-00"
        read = strict_json.parse(event["body"].encode())
        order, _ = Orders(silent).submit(Submission(document=read, owner="anonymous", traceparent=trace))
        return _answer(order.order_id, order.status)

    def typed() -> Any:
        TypedOrder.model_validate_json(event["body"])
        return _answer("ord_1f0e6a1f0c6b4a63b7c1d0b2a9e8f7c6", "RECEIVED")

    with event_loop(), _one_log():
        framework = _empty_application()
        taken = least_cpu(
            {
                "bare": bare,
                "typed": typed,
                "framework": lambda: framework(event, context),
                "silent": lambda: submit(silent, "CRITICAL"),
                "whole": lambda: submit(observed_system, "INFO"),
            },
            ROUNDS,
            TIMES,
        )
    observed = taken["whole"] - taken["silent"]
    work, alone = (taken["bare"], "the work itself"), (taken["typed"], "pydantic alone")
    warm, observing = "a warm POST /order, with its log and metrics", "log and metrics of an invocation"
    return [
        Figure("5", f"{warm}; against the work", taken["whole"], "µs", *work, reach=7),
        Figure("5", f"{warm}; against pydantic", taken["whole"], "µs", *alone, "34 ×", 7),
        Figure("5", "the work itself", taken["bare"], "µs", *alone),
        Figure("5", "an empty FastAPI application behind Mangum", taken["framework"], "µs", *alone),
        Figure("5", "threads that a POST /order starts", max(threads) - min(threads), "", reach=0),
        Figure("6", f"{observing}; against the work", observed, "µs", *work, reach=1),
        Figure("6", f"{observing}; against pydantic", observed, "µs", *alone, "8.5 ×", 1),
    ]


def _empty_application() -> Mangum:
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.post("/order")
    async def nothing(request: Request) -> Response:
        await request.body()
        return Response("{}", 202, media_type="application/json")

    return Mangum(app, lifespan="off", custom_handlers=[APIGateway])


def _answer(order_id: str, status: str) -> dict[str, Any]:
    return {"statusCode": 202, "headers": {}, "body": json.dumps({"order_id": order_id, "status": status})}


@contextmanager
def _one_log() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    root.handlers = [FormattingHandler()]
    logs.skip_unused_lookups()
    try:
        yield
    finally:
        root.handlers, root.level = handlers, level
