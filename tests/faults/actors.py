"""Who uses the system from outside: clients, an operator, and somebody at the console. They try until it is done."""

import json
from typing import Any

from service.orders.dead_letters import remove_stale
from service.orders.identity import order_id_for
from service.orders.ports import System
from service.orders.redrive import NotFailed, redrive
from tests import events
from tests.api.proxy import at
from tests.faults.cloud import SETTINGS
from tests.faults.driver import Run
from tests.faults.scheduler import Steps

PATIENCE = 2.0  # seconds until somebody tries again


def submit(run: Run, key: str, order: Any, times: int = 1, **headers: str) -> Steps:
    """A client that submits an order under a key until it is accepted, and as often again as it likes."""
    for _ in range(times):
        answer = yield from _insist(run, "/order", json.dumps(order), {"Idempotency-Key": key, **headers})
        assert answer["statusCode"] == 202, answer
        order_id = json.loads(answer["body"])["order_id"]
        run.accepted.append(order_id)
        run.keys.setdefault(key, set()).add(order_id)


def submit_and_cancel(run: Run, key: str, order: Any, wait: float) -> Steps:
    """A client that cancels its order some time after it was accepted."""
    yield from submit(run, key, order)
    yield wait
    answer = yield from _insist(run, f"/orders/{order_id_for('anonymous', key, str)}/cancel")
    run.cancelled = answer["statusCode"]


def operate(run: Run, order_id: str) -> Steps:
    """An operator who waits until an order has failed and its message is dead, then sends it again."""
    while run.cloud.statuses().get(order_id) != "FAILED" or not run.cloud.dead_letter_queue._messages:
        yield PATIENCE
    while True:
        try:
            yield from run.act("operator", lambda _: _send_again(order_id, run.cloud.system))
        except NotFailed:
            return
        except Exception:
            yield PATIENCE
        else:
            return


def _send_again(order_id: str, system: System) -> None:
    redrive(order_id, "operator", "seen to", system)
    remove_stale(system)


def start_by_hand(run: Run, name: str, given: Any) -> None:
    """Start an execution in the console, which is no call of ours."""
    run.cloud.system.clients.stepfunctions.start_execution(
        stateMachineArn=SETTINGS.state_machine_arn, name=name, input=json.dumps(given)
    )


def _insist(run: Run, path: str, body: str | None = None, headers: Any = None) -> Any:
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
        run.noticed.append(("client", str(answer["statusCode"])))
        yield PATIENCE
