"""The users of the system: clients, an operator, and somebody in the AWS console. They retry until they succeed."""

import json
from typing import Any

from service.orders.errors import DeliveryOpen, NotFailed
from service.orders.identity import order_id_for
from service.orders.ports import System
from service.orders.redrive import redrive_one
from tests import events
from tests.api.proxy import at
from tests.faults.cloud import SETTINGS
from tests.faults.driver import Run
from tests.faults.scheduler import Steps
from tests.invariants import failed_there

RETRY_AFTER = 2.0  # seconds
ASK_AGAIN_AFTER = 40.0
"""Seconds until an operator asks again for a new delivery, when the warehouse may still ship the old one."""


def submit(run: Run, key: str, order: Any, times: int = 1, **headers: str) -> Steps:
    """A client that submits an order until it is accepted, and repeats that so many times."""
    for _ in range(times):
        answer = yield from _request(run, "/order", json.dumps(order), {"Idempotency-Key": key, **headers})
        assert answer["statusCode"] == 202, answer
        order_id = json.loads(answer["body"])["order_id"]
        run.accepted.append(order_id)
        run.keys.setdefault(key, set()).add(order_id)


def submit_and_cancel(run: Run, key: str, order: Any, wait: float) -> Steps:
    """A client that cancels its order some seconds after it was accepted."""
    yield from submit(run, key, order)
    yield wait
    yield from cancel(run, order_id_for("anonymous", key, str))


def cancel(run: Run, order_id: str) -> Steps:
    """A client that cancels an order."""
    answer = yield from _request(run, f"/orders/{order_id}/cancel")
    run.cancelled = answer["statusCode"]


def operate(run: Run, order_id: str, new_delivery: bool = False) -> Steps:
    """An operator who waits for a failed order and its dead-letter message, if it has one, and redrives it."""
    while run.cloud.statuses().get(order_id) != "FAILED" or not (
        run.cloud.dead_letter_queue._messages or failed_there(run.cloud.rows(SETTINGS.orders_table)[order_id])
    ):
        yield RETRY_AFTER
    while True:
        try:
            yield from run.act("operator", lambda _: _redrive(order_id, run.cloud.system, new_delivery))
        except NotFailed:
            return
        except DeliveryOpen:
            yield ASK_AGAIN_AFTER
        except Exception:
            yield RETRY_AFTER
        else:
            return


def _redrive(order_id: str, system: System, new_delivery: bool) -> None:
    redrive_one(order_id, "operator", "the cause is fixed", system, new_delivery=new_delivery)


def start_in_console(run: Run, name: str, given: Any) -> None:
    """Start an execution in the AWS console; the injector does not record that call."""
    run.cloud.system.clients.stepfunctions.start_execution(
        stateMachineArn=SETTINGS.state_machine_arn, name=name, input=json.dumps(given)
    )


def _request(run: Run, path: str, body: str | None = None, headers: Any = None) -> Any:
    while True:
        event = at(path, events.load("api_post_order"))
        event["body"] = body
        for name, value in (headers or {}).items():
            event["headers"][name] = value
            event["multiValueHeaders"][name] = [value]
        try:
            answer = yield from run.invoke("api", event)
        except Exception:  # API Gateway answers 502 or 504
            answer = {"statusCode": 502}
        if answer["statusCode"] < 500:
            return answer
        run.failures.append(("client", str(answer["statusCode"])))
        yield RETRY_AFTER
