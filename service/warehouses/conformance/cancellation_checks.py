"""Checks of cancellations."""

from service.orders.model import Order
from service.orders.warehouse import State
from service.warehouses.conformance.checks import Check
from service.warehouses.conformance.replies import Reply
from service.warehouses.conformance.results import NotSeen, Wrong
from service.warehouses.conformance.run import ENDS, Run


def _check_unknown(run: Run) -> None:
    order = run.orders.new_order()
    for sent in ("PUT cancel of an unknown delivery", "the same PUT cancel again"):
        reply = run.warehouse.cancel(order)
        reply.expect(sent, (200,))
        _expect_cancelled(sent, reply)


def _check_dead_key(run: Run) -> None:
    order = run.orders.new_order()
    reply = run.warehouse.cancel(order)
    if reply.answer is None or reply.answer.state is not State.CANCELLED:
        raise NotSeen("an unknown delivery was not cancelled")
    run.asked.append(order)
    for sent, send in (("POST after PUT cancel", run.warehouse.ask), ("GET after PUT cancel", run.warehouse.look)):
        reply = send(order)
        reply.expect(sent, (200, 202))
        _expect_cancelled(sent, reply)


def _check_accepted(run: Run) -> None:
    order, asked = run.ask_new()
    if asked.state.state is not State.ACCEPTED:
        raise NotSeen(f"a new delivery was {asked.state.state} at once")
    reply = run.warehouse.cancel(order)
    reply.expect("PUT cancel of an accepted delivery", (200, 202, 409))
    _ = reply.state


def _check_ended(run: Run) -> None:
    run.settle()
    ended: dict[State, Order] = {}
    for order in run.asked:
        state = run.last_state(order)
        if state in ENDS and state is not State.CANCELLED:
            ended.setdefault(state, order)
    if not ended:
        raise NotSeen("no delivery has ended by itself")
    for state, order in ended.items():
        reply = run.warehouse.cancel(order)
        reply.expect(f"PUT cancel of a delivery that is {state}", (409,))


def _expect_cancelled(sent: str, reply: Reply) -> None:
    if reply.state.state is not State.CANCELLED or reply.state.shipments:
        raise Wrong(f"{sent} under {reply.key}", "the status cancelled, and no parcels", reply.describe())


CHECKS = (
    Check(
        "cancel-unknown",
        "A cancellation under an unknown key is answered with 200, and with cancelled.",
        _check_unknown,
    ),
    Check("dead-key", "A request under a key that was cancelled before is answered as cancelled.", _check_dead_key),
    Check(
        "cancel-accepted",
        "A cancellation of an accepted delivery is answered with 200 (cancelled), 202 (requested) or 409 (too late).",
        _check_accepted,
    ),
)
AT_THE_END = (
    Check(
        "cancel-ended", "A cancellation of a delivery that has ended is answered with 409, and its state.", _check_ended
    ),
)
