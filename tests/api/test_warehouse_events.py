"""The route of the warehouse's events: who may send them, how each is answered, and what becomes of the order."""

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from service.api.warehouse_events import MAX_SIZE, RETRY_AFTER
from service.orders.lifecycle import Status
from service.orders.ports import Unavailable
from service.orders.shipments import MAX_SHIPMENTS, Shipment
from service.orders.warehouse import Answer, State
from service.settings import API_AUTHS
from service.warehouses.signatures import ID, SIGNATURE, TIMESTAMP, new_secret, read_secret, sign
from service.warehouses.signer import PAUSE, Signer
from service.wiring import LiveSystem
from tests import events
from tests.api.client import Api
from tests.api.proxy import Gateway, at, content
from tests.log_lines import logged, said
from tests.security.test_answers import assert_guarded
from tests.steps.doubles import PatchedStore, Scripted, standing
from tests.support import SETTINGS, MemorySystem, valid_order
from tests.warehouses.support import KEY, SECRET

PATH = "/warehouse/events"
PRIVATE = "Hauptstraße"
"""What no log line and no answer may quote."""


def event(kind: str = "accepted", **members: Any) -> dict[str, Any]:
    return {"id": "evt_1", "type": kind, "order_id": "ord_1-d1", "occurred_at": "2026-01-31T09:30:00Z", **members}


def parcel(name: str = "p1", quantity: int = 2, **members: Any) -> dict[str, Any]:
    """The event of a parcel with the order's line, of which two pieces were ordered."""
    items = [{"line_id": "1", "quantity": quantity}]
    return event("shipped", shipment={"id": name, "items": items, "tracking_number": "00340"}, **members)


class Warehouse:
    """Sends events to a system, through a server or through API Gateway. ``secret`` is the one that DOFS has."""

    def __init__(self, receiver: Api | Gateway) -> None:
        self.receiver = receiver
        self.system: MemorySystem = receiver.system
        self.secret: str | Exception = SECRET
        self.reads = 0
        self.system.signer = Signer(self._load, self.system.now)

    def _load(self) -> str:
        self.reads += 1
        if isinstance(self.secret, Exception):
            raise self.secret
        return self.secret

    def sign(self, body: bytes, key: bytes = KEY, age: float = 0) -> dict[str, str]:
        return sign(key, "msg_1", int(self.system.now().timestamp() - age), body)

    def send(self, document: dict[str, Any], key: bytes = KEY, **headers: str) -> tuple[int, dict[str, Any]]:
        """Send a signed event; returns the status and the document of the answer."""
        body = json.dumps(document).encode()
        return self.send_raw(body, {**self.sign(body, key), **headers})[:2]

    def send_raw(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any], dict[str, str]]:
        headers = {"Content-Type": "application/json", **headers}
        if isinstance(self.receiver, Api):
            answer = self.receiver.post(PATH, content=body, headers=headers)
            return answer.status_code, answer.json(), dict(answer.headers)
        answer = self.receiver.call(proxy_event(body, headers))
        return answer["statusCode"], content(answer), answer["headers"]

    @property
    def counted(self) -> dict[str, int]:
        """The events by the reasons of the metric."""
        counts = self.system.metrics.counts
        return {reason[0]: count for (name, *reason), count in counts.items() if name == "WarehouseEvents"}


def proxy_event(body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    found = at(PATH, events.load("api_post_order")) | {"body": body.decode("utf-8", "replace")}
    for name, value in headers.items():
        found["headers"][name], found["multiValueHeaders"][name] = value, [value]
    return found


@pytest.fixture(params=["server", "gateway"])
def warehouse(request: pytest.FixtureRequest, event_loop: object) -> Warehouse:
    return Warehouse(Api() if request.param == "server" else Gateway())


def slug(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["type"].removeprefix("urn:dofs:problem:")


def test_a_parcel_is_written_down_and_a_repeated_one_changes_nothing(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    assert warehouse.send(parcel("p1", 1)) == (200, {"result": "taken"})
    first = warehouse.system.store.get("ord_1")
    assert (first.status, [each.id for each in first.shipments]) == (Status.AT_WAREHOUSE, ["p1"])
    assert first.timeline[-1].actor == "warehouse"
    assert warehouse.send(parcel("p1", 1, id="evt_2")) == (200, {"result": "repeated"})
    assert warehouse.system.store.get("ord_1") == first
    assert warehouse.send(parcel("p2", 1)) == (200, {"result": "taken"})
    assert warehouse.system.store.get("ord_1").status is Status.FULFILLED
    assert warehouse.counted == {"taken": 2, "repeated": 1}


def test_a_request_that_is_replayed_changes_nothing(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    body = json.dumps(parcel()).encode()
    headers = warehouse.sign(body)
    assert warehouse.send_raw(body, headers)[0] == 200
    after = warehouse.system.store.get("ord_1")
    warehouse.system.now.forward(299)
    assert warehouse.send_raw(body, headers)[:2] == (200, {"result": "repeated"})
    assert warehouse.system.store.get("ord_1") == after


def test_the_end_of_a_delivery_is_a_reason_to_look(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    warehouse.system.fulfiller = Scripted(Answer(State.REFUSED), looks=Answer(State.REFUSED, "sold out"))
    assert warehouse.send(event("refused")) == (200, {"result": "look"})
    assert warehouse.system.store.get("ord_1").status is Status.FAILED
    assert warehouse.counted == {"look": 1}


def test_an_event_that_says_nothing_new_is_ignored(warehouse: Warehouse):
    before = standing(Status.AT_WAREHOUSE, warehouse.system)
    assert warehouse.send(event("accepted")) == (200, {"result": "ignored"})
    assert warehouse.system.store.get("ord_1") == before
    assert warehouse.counted == {"ignored": 1}


@pytest.mark.parametrize("sent", [parcel(), event("closed")], ids=["shipped", "closed"])
def test_an_event_before_the_attempts_own_write_is_to_be_sent_again(sent: dict[str, Any], warehouse: Warehouse):
    before = standing(Status.PROCESSING, warehouse.system)
    body = json.dumps(sent).encode()
    status, document, headers = warehouse.send_raw(body, warehouse.sign(body))
    assert slug((status, document)) == (409, "event-too-early")
    assert headers["retry-after"] == str(RETRY_AFTER)
    assert warehouse.system.store.get("ord_1") == before
    assert warehouse.counted == {"too_early": 1}


def test_an_event_whose_look_has_no_answer_is_to_be_sent_again(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    warehouse.system.fulfiller = Scripted(Answer(State.REFUSED), looks=ConnectionError())
    assert slug(warehouse.send(event("closed"))) == (409, "event-too-early")


@pytest.mark.parametrize("key", ["ord_2-d1", "ord_1-d2", "ord_1-d01", "ord_1", "", "../ord_1-d1", "é" * 200])
def test_the_key_of_no_delivery_is_unknown(key: str, warehouse: Warehouse):
    before = standing(Status.AT_WAREHOUSE, warehouse.system)
    assert slug(warehouse.send(event("closed", order_id=key))) == (404, "delivery-not-found")
    assert warehouse.system.store.orders == {"ord_1": before}
    assert warehouse.counted == {"unknown": 1}


@pytest.mark.parametrize("key", ["", "ord_1", "-d1"])
def test_a_text_that_is_no_key_reads_no_row(key: str, warehouse: Warehouse):
    """DynamoDB refuses an empty key."""

    def get(*_: Any) -> None:
        raise AssertionError("a row was read")

    warehouse.system.store = PatchedStore(warehouse.system.store, get=get)
    assert slug(warehouse.send(event("closed", order_id=key))) == (404, "delivery-not-found")


def test_an_order_that_the_warehouse_was_never_asked_for_is_unknown(warehouse: Warehouse):
    before = standing(Status.RECEIVED, warehouse.system)
    assert slug(warehouse.send(event("accepted"))) == (404, "delivery-not-found")
    assert warehouse.system.store.get("ord_1") == before


FORGED: dict[str, Any] = {
    "no header": lambda signed: {},
    "another secret": lambda signed: sign(read_secret(new_secret()), signed[ID], int(signed[TIMESTAMP]), BODY),
    "another body": lambda signed: sign(KEY, signed[ID], int(signed[TIMESTAMP]), BODY + b" "),
    "an empty body": lambda signed: sign(KEY, signed[ID], int(signed[TIMESTAMP]), b""),
    "another id": lambda signed: {**signed, ID: "msg_2"},
    "another time": lambda signed: {**signed, TIMESTAMP: str(int(signed[TIMESTAMP]) + 1)},
    "301 seconds old": lambda signed: sign(KEY, signed[ID], int(signed[TIMESTAMP]) - 301, BODY),
    "301 seconds too early": lambda signed: sign(KEY, signed[ID], int(signed[TIMESTAMP]) + 301, BODY),
    "a time that is no number": lambda signed: {**signed, TIMESTAMP: "now"},
    "another version": lambda signed: {**signed, SIGNATURE: signed[SIGNATURE].replace("v1,", "v2,")},
    "no version": lambda signed: {**signed, SIGNATURE: signed[SIGNATURE].removeprefix("v1,")},
    **{f"no {name}": lambda signed, name=name: {**signed, name: ""} for name in (ID, TIMESTAMP, SIGNATURE)},
}
BODY = json.dumps(parcel()).encode()


@pytest.mark.parametrize("forgery", FORGED)
def test_a_forged_event_is_refused_and_the_answer_does_not_say_why(forgery: str, warehouse: Warehouse):
    before = standing(Status.AT_WAREHOUSE, warehouse.system)
    status, document, headers = warehouse.send_raw(BODY, FORGED[forgery](warehouse.sign(BODY)))
    title = "The request is not authenticated"
    assert (status, document) == (401, {"type": "urn:dofs:problem:unauthenticated", "title": title, "status": 401})
    assert_guarded(headers)
    assert warehouse.system.store.get("ord_1") == before
    assert warehouse.counted == {"unsigned": 1}


def test_a_forged_event_reads_no_order_and_parses_nothing(warehouse: Warehouse):
    def get(*_: Any) -> None:
        raise AssertionError("the order was read")

    warehouse.system.store = PatchedStore(warehouse.system.store, get=get)
    assert warehouse.send_raw(b"{", warehouse.sign(b"[]"))[0] == 401


def test_a_signature_is_valid_for_almost_300_seconds_before_and_after_its_time(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    for age in (299, -299):
        assert warehouse.send_raw(BODY, warehouse.sign(BODY, age=age))[0] == 200


def test_a_header_of_the_signature_that_is_sent_twice_is_refused(event_loop: object):
    gateway = Gateway()
    signed = Warehouse(gateway).sign(BODY)
    standing(Status.AT_WAREHOUSE, gateway.system)
    for name in signed:
        sent = proxy_event(BODY, {"Content-Type": "application/json", **signed})
        sent["multiValueHeaders"][name] = [signed[name]] * 2
        assert gateway.call(sent)["statusCode"] == 401, name


def test_during_a_rotation_both_secrets_are_valid(warehouse: Warehouse):
    new, before = new_secret(), standing(Status.AT_WAREHOUSE, warehouse.system)
    assert warehouse.send(event(), read_secret(new))[0] == 401
    warehouse.secret = f"{new} {SECRET}"
    warehouse.system.now.forward(PAUSE.total_seconds())
    assert [warehouse.send(event(), key)[0] for key in (read_secret(new), KEY)] == [200, 200]
    assert warehouse.system.store.get("ord_1") == before


def test_an_order_is_accepted_without_reading_the_secret(warehouse: Warehouse):
    receiver = warehouse.receiver
    answer = receiver.post("/order", json=valid_order()) if isinstance(receiver, Api) else receiver.post()
    assert (answer.status_code if isinstance(receiver, Api) else answer["statusCode"]) == 202
    assert warehouse.reads == 0
    assert [warehouse.send(event())[0] for _ in range(2)] == [404, 404]
    assert warehouse.reads == 1


@pytest.mark.parametrize("secret", ["", Unavailable("secretsmanager GetSecretValue: AccessDenied")])
def test_without_a_usable_secret_the_warehouse_is_to_send_the_event_again(secret: Any, warehouse: Warehouse):
    """A 401 could make the warehouse give up, although its signature is valid."""
    warehouse.secret = secret
    assert slug(warehouse.send(event())) == (503, "unavailable")


def test_without_a_warehouse_over_http_every_event_is_refused(warehouse: Warehouse):
    warehouse.system.signer = None
    assert slug(warehouse.send(event())) == (401, "unauthenticated")


@pytest.mark.parametrize(("url", "is_valid"), [("", False), ("http://127.0.0.1:1", True)])
def test_a_process_verifies_events_if_it_has_the_url_of_a_warehouse(url: str, is_valid: bool):
    system = LiveSystem(replace(SETTINGS, cloud="embedded", warehouse_url=url, warehouse_secret=SECRET))
    headers = sign(KEY, "msg_1", int(time.time()), b"{}")
    assert system.is_from_warehouse(headers, b"{}") is is_valid


@pytest.mark.parametrize("mode", API_AUTHS)
def test_the_signature_counts_however_the_api_authenticates_its_callers(mode: str, event_loop: object):
    warehouse = Warehouse(Gateway(api_auth=mode))
    standing(Status.AT_WAREHOUSE, warehouse.system)
    assert warehouse.send(event()) == (200, {"result": "ignored"})
    assert warehouse.send_raw(BODY, {"Authorization": "Bearer e30.e30.e30"})[0] == 401


def test_the_signature_is_that_of_the_bytes_that_were_sent(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    body = b' \t{ "type":"accepted",  "id":"\\u00e9\xc3\xa9", "order_id" : "ord_1-d1" }\r\n'
    assert warehouse.send_raw(body, warehouse.sign(body))[:2] == (200, {"result": "ignored"})


def test_the_bytes_of_a_body_that_the_gateway_encoded_are_verified(gateway: Gateway):
    warehouse = Warehouse(gateway)
    standing(Status.AT_WAREHOUSE, gateway.system)
    for body, status in ((BODY, 200), (b"\xff\x00", 422)):
        sent = proxy_event(body, {"Content-Type": "application/json", **warehouse.sign(body)})
        answer = gateway.call(sent | {"body": base64.b64encode(body).decode(), "isBase64Encoded": True})
        assert answer["statusCode"] == status


def test_a_body_above_the_limit_is_refused_before_its_signature_is_verified(warehouse: Warehouse):
    standing(Status.AT_WAREHOUSE, warehouse.system)
    body = json.dumps(event()).encode().ljust(MAX_SIZE)
    assert warehouse.send_raw(body, warehouse.sign(body))[0] == 200
    status, document, _ = warehouse.send_raw(body + b" ", {})
    assert slug((status, document)) == (413, "body-too-large")
    assert document["detail"] == "It may have 131,072 bytes."


@pytest.mark.parametrize(
    "headers",
    [{"Content-Encoding": "gzip"}, {"Content-Type": "text/plain"}, {"Content-Type": "application/xml"}],
)
def test_the_body_must_be_json_that_is_not_compressed(headers: dict[str, str], warehouse: Warehouse):
    assert warehouse.send(event(), **headers)[0] == 415


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (event("lost"), "type is not one of accepted, shipped, refused, closed, cancelled, cancel_refused"),
        (event("shipped"), "shipment must be there if type is shipped, and only then"),
        (parcel(quantity=0), "the quantity of a shipment's line is not a whole number above 0"),
        (parcel("p\n"), "the id of a shipment is not a text of 1 to 128 printable characters"),
        (event(PRIVATE), "type is not one of accepted, shipped, refused, closed, cancelled, cancel_refused"),
        (event("shipped", shipment={"id": "p", "items": [{"line_id": PRIVATE}]}), "has a line that the order does not"),
    ],
)
def test_a_malformed_event_is_refused_with_the_name_of_the_member(
    sent: dict[str, Any], detail: str, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
):
    before = standing(Status.AT_WAREHOUSE, warehouse.system)
    status, document = warehouse.send(sent)
    assert slug((status, document)) == (422, "event-invalid")
    assert detail in document["detail"]
    assert f"an event of the warehouse was refused: {document['detail']}" in caplog.messages
    assert PRIVATE not in str(document) + caplog.text
    assert warehouse.system.store.get("ord_1") == before
    assert warehouse.counted == {"malformed": 1}


def test_a_parcel_above_the_limit_of_an_order_is_refused(warehouse: Warehouse):
    order = standing(Status.AT_WAREHOUSE, warehouse.system)
    many = tuple(Shipment(delivery=1, id=f"p{number}", lines=((1, 1),)) for number in range(MAX_SHIPMENTS))
    before = replace(order, shipments=many)
    warehouse.system.store.orders["ord_1"] = before
    status, document = warehouse.send(parcel("one more"))
    assert slug((status, document)) == (422, "event-invalid")
    assert document["detail"] == "the order would have more than 50 parcels, or more than 30,000 bytes"
    assert warehouse.system.store.get("ord_1") == before


def test_an_event_is_sent_again_while_the_store_is_unavailable(warehouse: Warehouse):
    def get(*_: Any) -> None:
        raise Unavailable("dynamodb GetItem: ThrottlingException")

    warehouse.system.store = PatchedStore(warehouse.system.store, get=get)
    assert slug(warehouse.send(event())) == (503, "unavailable")


def test_the_log_line_of_an_event_names_the_order_and_nothing_that_is_forged(event_loop: object):
    warehouse = Warehouse(Gateway())
    standing(Status.AT_WAREHOUSE, warehouse.system)
    with logged() as lines:
        warehouse.send(event())
        warehouse.send(event(), read_secret(new_secret()))
    route = f"POST {PATH}"
    found = [said(line, "route", "outcome", "order_id") for line in lines if "route" in line]
    assert found == [(route, "200", "ord_1"), (route, "401", None)]
