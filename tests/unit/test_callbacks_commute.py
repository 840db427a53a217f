"""The events of the warehouse end in the same row, in whatever order and however often they come (I17)."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.orders.callbacks import Event, EventType, Verdict
from service.orders.deliveries import Deliveries
from service.orders.lifecycle import UNSUCCESSFUL, Status
from service.orders.model import Order
from service.orders.shipments import Shipment
from service.orders.submission import new_order
from service.orders.warehouse import Answer, State
from service.orders.warehouse_events import WarehouseEvents
from tests.steps.doubles import Scripted
from tests.support import START, MemorySystem, valid_order

TWO_LINES = valid_order(
    items=[
        {"product_id": "prod_456", "quantity": 2, "price": 29.99},
        {"product_id": "prod_789", "quantity": 1, "price": 10},
    ],
    total_amount=69.98,
)
PRESENT = 2
LINES = st.sampled_from([((1, 1),), ((2, 1),), ((1, 1), (2, 1)), ((1, 2),), ((1, 2), (2, 1))])
EARLIER = Shipment(delivery=1, id="earlier", lines=((2, 1),))
ENDS = {
    State.ACCEPTED: EventType.ACCEPTED,
    State.CLOSED: EventType.CLOSED,
    State.REFUSED: EventType.REFUSED,
    State.CANCELLED: EventType.CANCELLED,
}
STARTS = {
    "not asked": (Status.PENDING, 0, ()),
    "the answer was lost": (Status.PENDING, 1, ()),
    "the attempt never ended": (Status.PROCESSING, 1, ()),
    "at the warehouse": (Status.AT_WAREHOUSE, 1, ()),
    "a part was shipped": (Status.AT_WAREHOUSE, 1, (EARLIER,)),
    "failed": (Status.FAILED, 1, ()),
    "partly fulfilled": (Status.PARTLY_FULFILLED, 1, (EARLIER,)),
    "ended before": (Status.FAILED, 0, ()),
    "cancelled": (Status.CANCELLED, 0, ()),
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[str, Answer, list[Event], list[int]]:
    """A state, what the warehouse has done, its events, and an order in which they come: each once or more."""
    start, state = draw(st.sampled_from(sorted(STARTS))), draw(st.sampled_from(sorted(ENDS)))
    # After a cancellation, an older delivery has nothing to tell: its end had all of its parcels.
    deliveries = st.just(PRESENT) if state is State.CANCELLED else st.sampled_from([1, PRESENT])
    pairs = draw(st.lists(st.tuples(deliveries, LINES), min_size=1, max_size=4))
    parcels = [Shipment(delivery=delivery, id=f"p{n}", lines=lines) for n, (delivery, lines) in enumerate(pairs)]
    answer = Answer(state, shipments=tuple(each for each in parcels if each.delivery == PRESENT))
    events = [Event(EventType.SHIPPED, "ord_1", each.delivery, each) for each in parcels]
    events.append(Event(ENDS[state], "ord_1", PRESENT))
    again = draw(st.lists(st.sampled_from(range(len(events))), max_size=6))
    return start, answer, events, draw(st.permutations([*range(len(events)), *again]))


def take_all(start: str, answer: Answer, events: list[Event], looks: bool) -> Order:
    """The order after some events; with ``looks``, somebody looks after each of them."""
    system = MemorySystem(fulfiller=Scripted(answer, looks=answer, cancels=Answer(State.CANCELLING)))
    status, asked, shipments = STARTS[start]
    order = new_order(TWO_LINES, order_id="ord_1", owner="shop", actor="api", at=START, write_id="w1")
    system.store.orders["ord_1"] = replace(
        order,
        status=status,
        delivery=PRESENT,
        asked=asked,
        attempts=1,
        lines=((1, 2),) if shipments else (),
        shipments=shipments,
        parcels=len(shipments),
        lease_until=system.now() - timedelta(seconds=1),
    )
    for event in events:
        verdict = WarehouseEvents(system).take(event, system.store.get("ord_1"))
        assert verdict not in (Verdict.TOO_EARLY, Verdict.UNKNOWN)
        order = system.store.get("ord_1")
        if looks and order.asked and order.status in UNSUCCESSFUL | {Status.AT_WAREHOUSE}:
            Deliveries(system).look(order, 1, "reconciler")
    return system.store.get("ord_1")


def standing_of(order: Order) -> tuple[object, ...]:
    """What must not depend on the order of events. A FULFILLED order asks for no delivery any more."""
    delivery = None if order.status is Status.FULFILLED else (order.delivery, order.asked, order.lines)
    return order.status, order.shipments, order.parcels, delivery


@given(history=histories(), looks=st.booleans())
def test_events_in_any_order_and_number_end_in_the_same_row(history, looks):
    start, answer, events, order = history
    once = take_all(start, answer, events, looks=False)
    assert standing_of(take_all(start, answer, [events[number] for number in order], looks)) == standing_of(once)
