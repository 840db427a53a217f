"""Every answer of the warehouse, and the transition that it causes: after an attempt, and after a look."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.orders.lifecycle import Status
from service.orders.model import FailureKind, Order, TimelineEntry, link
from service.orders.outcomes import FULFILLMENT, after_attempt, after_look, times_put_back
from service.orders.shipments import MAX_SHIPMENTS, Shipment
from service.orders.warehouse import Answer, State
from tests.support import START, MemorySystem

ITEMS = [{"product_id": "p", "quantity": 2, "price": 1}, {"product_id": "q", "quantity": 1, "price": 1}]
RECEIVED = MemorySystem().receive(items=ITEMS, total_amount=3)
MOST = 3
DUE, NAMED = START + timedelta(days=3), START + timedelta(hours=5)
PARCEL = Shipment(delivery=1, id="s1", lines=((1, 1),))
OTHER = Shipment(delivery=1, id="s2", lines=((2, 1),))
MANY = tuple(replace(PARCEL, id=f"s{number}") for number in range(MAX_SHIPMENTS + 1))

SHIPPED, ACCEPTED, DECLINED, REFUSED, CLOSED, CANCELLED, NOT_TAKEN, NOT_FOUND = (
    Answer(state)
    for state in (
        *(State.SHIPPED, State.ACCEPTED, State.DECLINED, State.REFUSED),
        *(State.CLOSED, State.CANCELLED, State.NOT_TAKEN, State.NOT_FOUND),
    )
)
LOST = TimeoutError()


def sent(answer: Answer, *shipments: Shipment) -> Answer:
    return replace(answer, shipments=shipments or (OTHER,))


# The orders of a table's columns.
FIRST = {"status": "PROCESSING"}
LAST = {"status": "PROCESSING", "attempts": MOST}
UNWANTED = {"status": "PROCESSING", "cancel_asked": 1}
LEFT, SPENT = {"status": "PENDING"}, {"status": "PENDING", "attempts": MOST}
THERE, FAILED = {"status": "AT_WAREHOUSE", "due_at": DUE}, {"status": "FAILED"}
PART = {"shipments": (PARCEL,), "parcels": 1}

Cell = tuple[str | None, str | None]
"""A transition, and the kind of failure that it records; twice None for no transition."""


def end(name: str | None, kind: str | None = None) -> Cell:
    return name, kind


FULFILL, HAND_OVER, DROP, RELEASE = end("fulfill"), end("hand_over"), end("drop"), end("release", "error")
PUT_BACK = end("put_back")
NO, GONE = end(None), end("look_cancelled")
SAME = end("look")
ALL, WORKING, DROPPED = end("look_shipped"), end("look_working"), end("look_dropped")

ATTEMPTS: list[tuple[str, Any, tuple[dict[str, Any], ...], tuple[Cell, ...]]] = [
    (name, answer, (FIRST, LAST, UNWANTED, FIRST | PART, LAST | PART, UNWANTED | PART), cells)
    for name, answer, cells in (
        ("shipped", SHIPPED, (FULFILL,) * 6),
        ("accepted", ACCEPTED, (HAND_OVER,) * 6),
        ("accepted, with a parcel", sent(ACCEPTED), (HAND_OVER,) * 6),
        ("cancelled", CANCELLED, (*(end("cancelled_there"),) * 3, *(end("close_short", "cancelled"),) * 3)),
        ("cancelled, with a parcel", sent(CANCELLED), (end("close_short", "cancelled"),) * 6),
        (
            "declined",
            DECLINED,
            (
                *(end("decline", "declined"), end("fail", "declined"), DROP),
                *(end("decline", "declined"), end("close_short", "declined"), end("close_short", "cancelled")),
            ),
        ),
        (
            "refused",
            REFUSED,
            (
                *(end("fail", "refused"), end("fail", "refused"), DROP),
                *(end("close_short", "refused"), end("close_short", "refused"), end("close_short", "cancelled")),
            ),
        ),
        (
            "closed",
            CLOSED,
            (
                *(end("fail", "refused"), end("fail", "refused"), DROP),
                *(end("close_short", "closed"), end("close_short", "closed"), end("close_short", "cancelled")),
            ),
        ),
        ("not taken", NOT_TAKEN, (PUT_BACK, PUT_BACK, DROP, PUT_BACK, PUT_BACK, end("close_short", "cancelled"))),
        ("never had it", NOT_FOUND, (RELEASE,) * 6),
        ("no answer", LOST, (RELEASE,) * 6),
        ("too many parcels", sent(ACCEPTED, *MANY), (RELEASE,) * 6),
    )
]
LOOKS: list[tuple[str, Any, tuple[dict[str, Any], ...], tuple[Cell, ...]]] = [
    *(
        (name, answer, (LEFT, SPENT, THERE, FAILED), cells)
        for name, answer, cells in (
            ("shipped", SHIPPED, (ALL,) * 4),
            ("accepted", ACCEPTED, (WORKING, WORKING, SAME, SAME)),
            ("accepted, with a parcel", sent(ACCEPTED), (WORKING, WORKING, WORKING, end("look_partly"))),
            ("cancelled", CANCELLED, (GONE,) * 4),
            ("cancelled, with a parcel", sent(CANCELLED), (end("look_closed", "cancelled"),) * 4),
            ("declined", DECLINED, (end("look_declined", "declined"), end("look_ended", "declined")) * 2),
            ("refused", REFUSED, (end("look_ended", "refused"),) * 4),
            ("closed", CLOSED, (end("look_ended", "refused"),) * 4),
            ("closed, with a parcel", sent(CLOSED), (end("look_closed", "closed"),) * 4),
            ("never had it", NOT_FOUND, (NO, end("give_up", "abandoned"), end("give_up", "unknown"), SAME)),
            ("not taken", NOT_TAKEN, (NO, NO, SAME, SAME)),
            ("no answer", LOST, (NO, end("give_up", "unknown"), SAME, SAME)),
            ("too many parcels", sent(ACCEPTED, *MANY), (NO, end("give_up", "unknown"), SAME, SAME)),
            ("not asked", None, (NO, end("give_up", "error"), SAME, SAME)),
        )
    ),
    *(
        (f"{name}, to be cancelled", answer, (*({"cancel_asked": 1} | each for each in (LEFT, THERE, FAILED)),), cells)
        for name, answer, cells in (
            ("shipped", SHIPPED, (ALL,) * 3),
            ("declined", DECLINED, (DROPPED, DROPPED, end("look_ended", "declined"))),
            ("refused", REFUSED, (DROPPED, DROPPED, end("look_ended", "refused"))),
            (
                "closed, with a parcel",
                sent(CLOSED),
                (end("look_closed", "cancelled"), end("look_closed", "cancelled"), end("look_closed", "closed")),
            ),
        )
    ),
    *(
        (f"{name}, with a known parcel", answer, (*(PART | each for each in (LEFT, SPENT, THERE, FAILED)),), cells)
        for name, answer, cells in (
            ("shipped", SHIPPED, (ALL,) * 4),
            ("accepted", ACCEPTED, (WORKING, WORKING, SAME, SAME)),
            ("cancelled", CANCELLED, (end("look_closed", "cancelled"),) * 4),
            ("declined", DECLINED, (end("look_declined", "declined"), end("look_closed", "declined")) * 2),
            ("refused", REFUSED, (end("look_closed", "refused"),) * 4),
            ("never had it", NOT_FOUND, (NO, end("give_up_rest", "abandoned"), end("give_up_rest", "unknown"), SAME)),
            ("no answer", LOST, (NO, end("give_up_rest", "unknown"), SAME, SAME)),
        )
    ),
]


def order_in(changes: dict[str, Any]) -> Order:
    return replace(RECEIVED, **{"attempts": 1, "asked": 1, **changes, "status": Status(changes["status"])})


def cells_of(table: list[Any]) -> list[Any]:
    return [
        pytest.param(order_in(column), answer, cell, id=f"{name}: {number} {column['status']}")
        for name, answer, columns, cells in table
        for number, (column, cell) in enumerate(zip(columns, cells, strict=True), 1)
    ]


def summary(outcome: Any) -> Cell:
    return (outcome.transition, outcome.failure and outcome.failure.kind.value) if outcome else NO


@pytest.mark.parametrize(("order", "answer", "cell"), cells_of(ATTEMPTS))
def test_an_answer_ends_an_attempt(order, answer, cell):
    assert summary(after_attempt(order, answer, MOST, DUE)) == cell


@pytest.mark.parametrize(("order", "answer", "cell"), cells_of(LOOKS))
def test_an_answer_to_a_look_moves_an_order(order, answer, cell):
    assert summary(after_look(order, answer, MOST, DUE)) == cell


def test_an_order_that_an_earlier_attempt_may_have_sent_is_not_dropped():
    order = order_in(UNWANTED | {"asked": 2})
    assert after_attempt(order, NOT_TAKEN, MOST, DUE).transition == "put_back"


def test_a_request_that_was_not_taken_can_cost_an_attempt():
    assert summary(after_attempt(order_in(FIRST), NOT_TAKEN, MOST, DUE, free=False)) == ("not_taken", "error")


@pytest.mark.parametrize("known", [(), (PARCEL,)])
def test_the_next_delivery_asks_for_the_lines_that_are_left(known):
    order = order_in(LAST | {"delivery": 2, "shipments": known, "parcels": len(known)})
    values = after_attempt(order, DECLINED, MOST, DUE).values
    assert (values["delivery"], values["lines"]) == (3, ((1, 1), (2, 1)) if known else ())


def test_an_attempt_that_ships_a_part_says_so_in_its_reason():
    outcome = after_attempt(order_in(FIRST), replace(sent(CLOSED), reason="sold out"), MOST, DUE)
    assert outcome.reason == "attempt 1 of 3: sold out; a part of it was shipped"


def test_an_answer_with_too_many_parcels_is_named_as_the_cause():
    answer = sent(ACCEPTED, *MANY)
    assert "more than 50 parcels" in after_attempt(order_in(FIRST), answer, MOST, DUE).reason
    assert "more than 50 parcels" in after_look(order_in(THERE), answer, MOST, DUE).reason


@pytest.mark.parametrize(
    ("order", "answer", "due_at"),
    [
        (LEFT, ACCEPTED, DUE),
        (LEFT, replace(ACCEPTED, due_at=NAMED), NAMED),
        (LEFT | {"due_at": START}, ACCEPTED, DUE),
        (THERE | {"due_at": START}, sent(ACCEPTED), START),
        (THERE, replace(ACCEPTED, due_at=NAMED), NAMED),
    ],
    ids=["by the policy", "named", "of an earlier time there", "known", "changed"],
)
def test_a_delivery_in_work_has_a_due_date(order, answer, due_at):
    outcome = after_look(order_in(order), answer, MOST, DUE)
    assert (outcome.transition, outcome.values["due_at"]) == ("look_working", due_at)


@pytest.mark.parametrize("status", [Status.FAILED, Status.PARTLY_FULFILLED])
def test_requests_that_were_not_taken_before_a_redrive_do_not_count(status):
    def moved(target: Status, actor: str = FULFILLMENT, failure: FailureKind | None = None) -> TimelineEntry:
        return TimelineEntry(START, None, target, actor, None, failure)

    put_back = (moved(Status.PROCESSING), moved(Status.PENDING))
    failed = (moved(Status.PROCESSING), moved(status, failure=FailureKind.REFUSED))
    before = (moved(Status.PENDING, "workflow"), *put_back, *put_back, *failed)
    redriven = link((*before, moved(Status.PENDING, "operator:jo"), *put_back))
    assert times_put_back(replace(order_in(LEFT), timeline=redriven)) == 1
