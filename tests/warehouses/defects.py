"""Defects of a warehouse: each breaks one promise of the contract. They are planted into the simulated server."""

import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

import pytest

from service.orders.warehouse import OtherItems, State
from service.warehouses import signatures
from service.warehouses.conformance.orders import ADDRESS
from service.warehouses.ledger import Ledger
from service.warehouses.ledger_entries import Delivery
from service.warehouses.server import routes, views
from service.warehouses.server.callbacks import Callbacks
from service.warehouses.server.http import HttpError, Reply, json_reply
from service.warehouses.server.routes import Routes

Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Defect:
    """A defect.

    Args:
        name: what the warehouse does.
        wrong: the checks that must fail. No other may.
        warnings: the checks that must warn. No other may.
        plant: puts the defect into the server.
        warehouse: arguments of the ledger and faults that let the defect appear.
        events: whether it is one of the events.
    """

    name: str
    wrong: frozenset[str]
    warnings: frozenset[str]
    plant: Plant
    warehouse: Mapping[str, Any] = field(default_factory=dict)
    events: bool = False


DEFECTS: list[Defect] = []
NUMBERS = itertools.count()


def defect(*wrong: str, warnings: str = "", events: bool = False, **warehouse: Any) -> Callable[[Plant], Plant]:
    """Register a function that plants a defect. Its name is that of the defect."""

    def register(plant: Plant) -> Plant:
        DEFECTS.append(Defect(plant.__name__, frozenset(wrong), frozenset(warnings.split()), plant, warehouse, events))
        return plant

    return register


def replaces(target: Any, name: str) -> Callable[[Callable[..., Any]], Plant]:
    """Make a plant of a function that gets the original one first."""

    def decorate(function: Callable[..., Any]) -> Plant:
        original = getattr(target, name)

        def plant(monkeypatch: pytest.MonkeyPatch) -> None:
            monkeypatch.setattr(target, name, lambda *args, **options: function(original, *args, **options))

        plant.__name__ = function.__name__
        return plant

    return decorate


@defect("replay", "other-texts", "at-once", "complete", "quantities")
@replaces(Ledger, "ask")
def ships_again_when_a_request_is_repeated(original, self, key, items, *more, **faults):
    is_known = self.look(key) is not None
    delivery = original(self, key, items, *more, **faults)
    if is_known and delivery.status is State.SHIPPED:
        return add_parcel(self, delivery, {item.line_id: item.quantity for item in items})
    return delivery


@defect("other-items")
@replaces(Ledger, "ask")
def ignores_other_items(original, self, key, *more, **faults):
    try:
        return original(self, key, *more, **faults)
    except OtherItems:
        return self.look(key)


@defect("other-texts")
@replaces(Ledger, "ask")
def takes_another_note_for_another_request(original, self, key, items, details, **faults):
    known = self.look(key)
    if known and known.items and known.details != details:
        raise OtherItems
    return original(self, key, items, details, **faults)


@defect("whole", "complete")
@replaces(Routes, "_look")
def misses_a_parcel_in_a_look(original, *args):
    return change_state(original(*args), lambda state: {**state, "shipments": state["shipments"][:-1]})


@defect("unknown")
@replaces(Ledger, "look")
def knows_every_key(original, self, key):
    return original(self, key) or Delivery(1, key, (), self._now(), State.ACCEPTED)


@defect("new", "at-once")
@replaces(Routes, "_ask")
def answers_201_to_a_new_delivery(original, self, request, key, faults):
    is_known = self._ledger.look(key) is not None
    return (
        original(self, request, key, faults) if is_known else replace(original(self, request, key, faults), status=201)
    )


@defect("look", "dead-key")
@replaces(Routes, "_look")
def answers_no_look(_, *args):
    raise HttpError(HTTPStatus.NOT_FOUND, "There is no such route.")


@defect("dead-key", "remembered")
@replaces(Ledger, "cancel")
def forgets_the_cancellation_of_an_unknown_key(original, self, key, **faults):
    if self.look(key) is None:
        return Delivery(1, key, (), self._now(), State.CANCELLED)
    return original(self, key, **faults)


@defect("cancel-unknown")
@replaces(Routes, "_cancel")
def does_not_cancel_an_unknown_key(original, self, request, key, faults):
    if self._ledger.look(key) is None:
        raise HttpError(HTTPStatus.NOT_FOUND, "There is no delivery of this key.")
    return original(self, request, key, faults)


@defect("cancel-ended", "remembered")
@replaces(Routes, "_cancel")
def says_cancelled_of_a_shipped_delivery(original, *args):
    reply = original(*args)
    return replace(change_state(reply, lambda state: {**state, "status": "cancelled"}), status=200)


@defect("cancel-accepted", picking={"accepted": 1, "seconds": 0.5})
@replaces(Routes, "_cancel")
def has_no_cancellation_of_accepted_deliveries(original, self, request, key, faults):
    delivery = self._ledger.look(key)
    if delivery and delivery.status is State.ACCEPTED:
        raise HttpError(HTTPStatus.BAD_REQUEST, "There is no cancellation.")
    return original(self, request, key, faults)


@defect("status", picking={"accepted": 1, "seconds": 0.5})
@replaces(Routes, "_cancel")
def answers_202_although_it_has_cancelled(original, self, request, key, faults):
    delivery = self._ledger.look(key)
    reply = original(self, request, key, faults)
    return replace(reply, status=202) if delivery and delivery.status is State.ACCEPTED else reply


@defect("unsigned")
@replaces(routes, "verify")
def takes_unsigned_requests(original, keys, headers, body, now):
    if signatures.SIGNATURE in headers:
        original(keys, headers, body, now)


@defect("wrong-secret", "other-body")
@replaces(routes, "verify")
def compares_no_signature(original, keys, headers, body, now):
    if signatures.SIGNATURE not in headers or abs(int(headers[signatures.TIMESTAMP]) - now) > signatures.TOLERANCE:
        raise signatures.BadSignature


@defect("too-old")
@replaces(routes, "verify")
def takes_old_requests(original, keys, headers, body, now):
    original(keys, headers, body, min(now, float(headers.get(signatures.TIMESTAMP, now))))


@defect("too-new")
@replaces(routes, "verify")
def takes_requests_of_the_future(original, keys, headers, body, now):
    original(keys, headers, body, max(now, float(headers.get(signatures.TIMESTAMP, now))))


@defect("second-secret")
@replaces(routes, "verify")
def takes_the_first_secret_only(original, keys, *more):
    original(keys[:1], *more)


@defect("unsigned", "wrong-secret", "other-body", "too-old", "too-new")
@replaces(Routes, "_answer_signed")
def answers_403_in_place_of_401(original, *args):
    try:
        return original(*args)
    except HttpError as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise HttpError(HTTPStatus.FORBIDDEN, error.detail) from None
        raise


@defect("remembered", success_rate=0)
@replaces(Ledger, "ask")
def ships_what_it_has_declined(original, self, key, items, *more, **faults):
    delivery = self.look(key)
    if delivery and delivery.status is State.DECLINED:
        delivery = add_parcel(self, delivery, {item.line_id: item.quantity for item in items})
        return self._change(key, status=State.SHIPPED)
    return original(self, key, items, *more, **faults)


@defect("nothing-shipped", success_rate=0)
@replaces(views, "show_state")
def declines_what_it_has_shipped(original, delivery):
    parcel = {"id": "s1", "items": [{"line_id": "check-a", "quantity": 1}]}
    return {**original(delivery), **({"shipments": [parcel]} if delivery.status is State.DECLINED else {})}


@defect("complete", faults={"closed": 1})
@replaces(Ledger, "look")
def ships_more_after_it_has_closed(original, self, key):
    delivery = original(self, key)
    if delivery and delivery.status is State.CLOSED and len(delivery.parcels) == 1:
        add_parcel(self, delivery, {"check-b": 1})
    return delivery


@defect("unchanged", faults={"closed": 1})
@replaces(Routes, "_look")
def changes_the_quantity_of_a_parcel(original, *args):
    def change(state):
        for parcel in state["shipments"]:
            parcel["items"][0]["quantity"] = 3 - parcel["items"][0]["quantity"]
        return state

    return change_state(original(*args), change)


@defect("replay", "other-texts", "at-once", "quantities")
@replaces(views, "show_state")
def ships_more_than_was_asked_for(original, delivery):
    state = original(delivery)
    for parcel in state["shipments"]:
        parcel["items"][0]["quantity"] += 1
    return state


@defect("state")
@replaces(views, "show_state")
def ships_a_line_that_was_not_asked_for(original, delivery):
    state = original(delivery)
    for parcel in state["shipments"]:
        parcel["items"].append({"line_id": "check-c", "quantity": 1})
    return state


@defect("replay", "at-once", "whole", "complete", "quantities")
@replaces(views, "show_state")
def gives_a_parcel_a_new_id_in_each_answer(original, delivery):
    state = original(delivery)
    for parcel in state["shipments"]:
        parcel["id"] = str(next(NUMBERS))
    return state


@defect("state")
@replaces(views, "show_state")
def names_the_order_in_place_of_the_delivery(original, delivery):
    return {**original(delivery), "order_id": delivery.order_id}


@defect("state")
@replaces(Routes, "_look")
def answers_with_a_content_encoding(original, *args):
    return replace(original(*args), headers={"Content-Encoding": "gzip"})


@defect("event-signed", warnings="event-parcels", events=True)
@replaces(Callbacks, "_headers")
def does_not_sign_its_events(original, *args):
    return {"Content-Type": "application/json"}


@defect("event-form", warnings="event-parcels", events=True)
@replaces(views, "show_event")
def sends_events_without_a_parcel(original, event):
    return {name: value for name, value in original(event).items() if name != "shipment"}


@defect("event-ids", events=True)
@replaces(views, "show_event")
def gives_all_events_the_same_id(original, event):
    return {**original(event), "id": "evt_1"}


@defect("event-repeated", events=True)
@replaces(Callbacks, "_send")
def gives_up_an_event_that_was_refused(original, *args):
    status, retry_after = original(*args)
    return (400 if status in (409, 503) else status), retry_after


@defect("event-parcels", events=True)
@replaces(views, "show_event")
def reports_another_parcel_than_it_shows(original, event):
    document = json.loads(json.dumps(original(event)))
    for line in document.get("shipment", {}).get("items", ()):
        line["quantity"] = 1
    return document


@defect(warnings="event-parcels", events=True)
@replaces(Callbacks, "add")
def sends_no_event_of_some_parcels(original, self, event):
    if not event.key.endswith("4-d1"):
        original(self, event)


@defect(warnings="left-out")
@replaces(views, "show_state")
def links_to_no_web_page(original, delivery):
    state = original(delivery)
    for parcel in state["shipments"]:
        parcel["tracking_url"] = "parcels.example/1"
    return state


@defect(warnings="left-out", picking={"accepted": 1, "seconds": 0.5})
@replaces(views, "show_state")
def names_a_day_in_place_of_a_due_time(original, delivery):
    return {**original(delivery), "due_at": "tomorrow"}


@defect(warnings="reason", success_rate=0)
@replaces(views, "show_state")
def quotes_the_address(original, delivery):
    return {**original(delivery), "reason": f"Nothing is sent to {ADDRESS['line1']}."}


@defect(warnings="not-taken", faults={"unavailable": 0.1})
@replaces(Routes, "answer")
def names_no_time_to_wait(original, *args):
    try:
        return original(*args)
    except HttpError as error:
        raise HttpError(error.status, error.detail) from None


def add_parcel(warehouse: Ledger, delivery: Delivery, lines: Mapping[str, int]) -> Delivery:
    parcel = warehouse._parcels.ship(delivery, lines, warehouse._now())
    return warehouse._change(delivery.key, parcels=(*delivery.parcels, parcel))


def change_state(reply: Reply, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Reply:
    return json_reply(reply.status, change(json.loads(reply.body)))
