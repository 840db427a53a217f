"""The address and the note of an order are in its row, its views and the request to the warehouse; nowhere else."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from service.handler import dispatch
from service.logs import JsonLines
from service.orders.errors import OrderInvalid
from service.orders.json_views import customer_view, failed_order_view
from service.orders.lifecycle import Status
from tests.api.client import LENIENT, Api, assert_problem
from tests.hostile.logs import captured_logs, log_as_lambda
from tests.steps.doubles import deliver, message, reconcile
from tests.support import Context, MemorySystem, valid_order
from tests.warehouses.endpoint import Endpoint, Request, respond
from tests.warehouses.support import warehouse

PERSONAL = "quokka"
"""A part of each personal text. No two texts have a word in common, so that each must be hidden by itself."""

ADDRESS = {
    "name": "Annaquokka Schmidt",
    "company": "Quokkasons & Co",
    "line1": "Quokkastreet 1",
    "line2": "quokkafloor 3",
    "city": "Quokkatown",
    "region": "Quokkaland",
    "postal_code": "1011quokka",
    "country": "DE",
    "phone": "quokka+49 30",
    "email": "quokka.mail@example.com",
}
MEMBERS = [name for name, value in ADDRESS.items() if PERSONAL in value.lower()]
NOTE = "My quokkadog bites.\nPlease ring."
PRIVATE = valid_order(ship_to=ADDRESS, note=NOTE)

ANSWERS = {
    "shipped": (200, "shipped"),
    "declined": (200, "declined"),
    "refused": (422, "refused"),
    "cancelled": (200, "cancelled"),
    "accepted": (202, "accepted"),
    "closed": (200, "closed"),
    "other items": (409, "refused"),
    "a contradiction": (422, "shipped"),
    "no state of the contract": (200, "Quokkatown"),
    "not now": (503, "declined"),
    "an error": (500, "declined"),
    "a redirect": (302, "declined"),
}


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """Check everything that is logged, at every level, as the function writes it."""
    with captured_logs(JsonLines()) as captured:
        yield
    assert_private(captured.lines)


def assert_private(*parts: Any) -> None:
    assert PERSONAL not in json.dumps(parts, default=str).lower()


def assert_only_in_the_order(system: MemorySystem, order_id: str) -> None:
    """Check what others than the order's own row show."""
    order = system.store.get(order_id)
    shown = customer_view(order)
    assert (shown.pop("ship_to"), shown.pop("note")) == (ADDRESS, NOTE)
    failed = system.store.get_failed(order_id)
    assert (failed is not None) == (order.status is Status.FAILED)
    assert_private(shown, failed and failed_order_view(failed), system.queue.messages, system.workflow.started)
    assert_private(str(system.metrics.counts), system.metrics.values, str(system.brake.read()))


def task(system: MemorySystem, name: str, **fields: Any) -> Any:
    done = dispatch({"dofs": {"task": name, **fields}}, Context(), system)
    assert_private(done)
    return done


@pytest.mark.parametrize(
    ("answer", "quoted"),
    [
        *(("refused", quoted) for quoted in MEMBERS),
        ("declined", "name"),
        *((answer, "note") for answer in ANSWERS),
    ],
)
def test_the_text_of_a_warehouse_that_quotes_the_order_shows_nothing_of_it(answer, quoted):
    status, state = ANSWERS[answer]
    api = Api(operator_api="on", cloud="embedded")
    system = api.system
    reason = f"Wrong: {PRIVATE['ship_to'].get(quoted, NOTE)}"

    def quote(request: Request) -> bytes:
        key = json.loads(request.body)["order_id"] if request.body else request.line.split("/")[2].split()[0]
        return respond(status, {"order_id": key, "status": state, "reason": reason, "ship_to": ADDRESS})

    with Endpoint(b"") as endpoint:
        endpoint.answer = quote
        system.fulfiller = warehouse(endpoint.url)
        order_id = api.post("/order", json=PRIVATE).json()["order_id"]
        task(system, "validate", execution=order_id, input={"order_id": order_id})
        task(system, "store", order_id=order_id)
        for _ in range(system.policy.max_attempts + 1):
            deliver(system, message(order_id))
            system.now.forward(3_600)
            reconcile(system)
        assert_only_in_the_order(system, order_id)
        assert_private(api.post(f"/orders/{order_id}/cancel").json().get("detail"))
        redriven = api.post(f"/failed-orders/{order_id}/redrive", json={"note": "again"})
        assert_private(redriven.json().get("detail"))
        deliver(system, message(order_id))
        assert_only_in_the_order(system, order_id)
    assert PERSONAL in endpoint.requests[0].body.decode()
    reasons = [entry.reason for entry in system.store.get(order_id).timeline]
    assert any("Wrong: […]" in (reason or "") for reason in reasons) is (answer in ("declined", "refused", "closed"))


WRONG = {
    **{f"a long {name}": {"ship_to": {**ADDRESS, name: ADDRESS[name] * 30}} for name in MEMBERS},
    **{f"{name} with a control character": {"ship_to": {**ADDRESS, name: f"{ADDRESS[name]}\x00"}} for name in MEMBERS},
    **{f"a list as {name}": {"ship_to": {**ADDRESS, name: [ADDRESS[name]]}} for name in MEMBERS},
    "another country": {"ship_to": {**ADDRESS, "country": "Quokkaland"}},
    "an unknown member": {"ship_to": {**ADDRESS, "door": "quokkadoor"}},
    "a text as address": {"ship_to": "Quokkastreet"},
    "a list of addresses": {"ship_to": [ADDRESS]},
    "a long note": {"note": NOTE * 200},
    "a note with a control character": {"note": f"{NOTE}\x00"},
    "a number of notes": {"note": [NOTE, NOTE]},
    "a wrong total": {"total_amount": 1},
    "an unknown field": {"gift": "quokka"},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_the_errors_of_an_order_do_not_quote_it(wrong):
    api = Api()
    document = {**PRIVATE, **WRONG[wrong]}
    assert_private(assert_problem(api.post("/order", json=document), 422, "order-invalid"))
    accepted = api.post("/order", json=document, headers=LENIENT)
    assert accepted.status_code == 202
    order_id = accepted.json()["order_id"]
    assert_private(accepted.json())
    fields = {"execution": order_id, "input": {"order_id": order_id}}
    with pytest.raises(OrderInvalid) as invalid:
        task(api.system, "validate", **fields)
    log_as_lambda(invalid.value)
    assert_private(str(invalid.value))
    task(api.system, "reject", **fields)
    rejected = api.system.store.get(order_id)
    assert rejected.errors
    assert_private([asdict(error) for error in rejected.errors], rejected.timeline)
    assert_private(api.system.queue.messages, api.system.workflow.started, str(api.system.metrics.counts))


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(PRIVATE)[:-1],
        json.dumps(PRIVATE).replace('"note"', '"ship_to"'),
        json.dumps({**PRIVATE, "note": f"{NOTE}\ud800"}),
        json.dumps(PRIVATE).replace(json.dumps(NOTE), PERSONAL),
        json.dumps({**PRIVATE, "note": NOTE * 20_000}),
    ],
)
def test_the_problem_of_a_body_that_is_no_document_does_not_quote_it(body):
    response = Api().send(body)
    assert response.status_code in (400, 413)
    assert_private(response.json())
