"""Checks of the three requests: a new delivery, a repeated one, another one under the same key, and looks."""

import threading

from service.orders.model import Order
from service.warehouses.conformance.checks import Check
from service.warehouses.conformance.replies import WITH_STATE, Reply, ships_too_much
from service.warehouses.conformance.results import NotSeen, Wrong
from service.warehouses.conformance.run import AT_ONCE, Run, in_parallel

TAKEN = WITH_STATE["POST"]


def _check_new(run: Run) -> None:
    _, reply = run.ask_new()
    reply.expect("POST of a new delivery", TAKEN)
    _ = reply.state


def _check_look(run: Run) -> None:
    reply = run.warehouse.look(run.first)
    reply.expect("GET of a known delivery", (200,))
    _ = reply.state


def _check_unknown(run: Run) -> None:
    run.warehouse.look(run.orders.new_order()).expect("GET of an unknown delivery", (404,))


def _check_replay(run: Run) -> None:
    _expect_one_delivery("the same POST again", run.first, [run.warehouse.ask(run.first) for _ in range(2)])


def _check_other_texts(run: Run) -> None:
    reply = run.warehouse.ask(run.first, body=run.orders.write_other_texts(run.first))
    _expect_one_delivery("POST with another note, reference and metadata", run.first, [reply])


def _check_other_items(run: Run) -> None:
    for what, body in run.orders.write_other_items(run.first).items():
        run.warehouse.ask(run.first, body=body).expect(f"POST {what}", (409,))


def _check_at_once(run: Run) -> None:
    order, barrier = run.orders.new_order(), threading.Barrier(AT_ONCE)
    run.asked.append(order)

    def ask() -> Reply:
        barrier.wait()
        return run.warehouse.ask(order)

    replies = in_parallel([ask] * AT_ONCE)
    look = run.warehouse.look(order)
    _expect_one_delivery(f"{AT_ONCE} POSTs at the same moment", order, [*replies, *([look] if look.answer else [])])


def _expect_one_delivery(sent: str, order: Order, replies: list[Reply]) -> None:
    """Check that answers are about one delivery, of which no more was shipped than was asked for."""
    for reply in replies:
        reply.expect(sent, TAKEN)
    if not any(reply.answer for reply in replies):
        raise NotSeen(f"the answers to {sent} have no state")
    parcels = [parcel for reply in replies if reply.answer for parcel in reply.answer.shipments]
    sent = f"{sent} under {order.delivery_key}"
    if ships_too_much(order, replies):
        raise Wrong(sent, "the parcels of one delivery", "parcels with more than was asked for")
    numbers = {(parcel.id, parcel.tracking_number) for parcel in parcels if parcel.tracking_number}
    if len(numbers) > len({name for name, _ in numbers}):
        raise Wrong(sent, "the parcels of one delivery", "two tracking numbers for the same parcel")


CHECKS = (
    Check("new", "A new delivery is answered with 200, 202 or 422, and with its state.", _check_new),
    Check("look", "GET of a known delivery is answered with 200, and with its state.", _check_look),
    Check("unknown", "GET of an unknown delivery is answered with 404.", _check_unknown),
    Check(
        "replay", "A repeated request under a key is answered with the delivery, and ships nothing more.", _check_replay
    ),
    Check("other-texts", "Everything but the items is ignored in a repeated request.", _check_other_texts),
    Check("other-items", "A request with other items under a known key is answered with 409.", _check_other_items),
    Check("at-once", "Requests under one key at the same moment are one delivery.", _check_at_once),
)
