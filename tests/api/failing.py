"""FAILED orders, and the list of them."""

from service.orders.lifecycle import Status
from tests.steps.doubles import DECLINED, Scripted, deliver, message, pending


def fail(system, *order_ids, outcome=DECLINED):
    """Make orders FAILED, one second apart."""
    fulfiller, system.fulfiller = system.fulfiller, Scripted(outcome)
    for order_id in order_ids:
        system.now.forward(1)
        pending(system, order_id)
        for _ in range(3):
            deliver(system, message(order_id))
        assert system.store.get(order_id).status is Status.FAILED
        system.dead_letters.put(message(order_id))
    system.fulfiller = fulfiller


def fail_without_an_answer(system, order_id="ord_1", **answers):
    """Make an order FAILED that the warehouse may have. The warehouse answers looks and cancellations as given."""
    pending(system, order_id)
    system.fulfiller = Scripted(TimeoutError(), **{"looks": TimeoutError(), **answers})
    for _ in range(4):
        assert deliver(system, message(order_id)) == ["m1"]
    assert system.store.get_failed(order_id).kind == "unknown"


def listed(api, **query):
    """Return the order ids of all pages."""
    ids, answer = [], api.get("/failed-orders", params=query).json()
    while True:
        ids += [failed["order_id"] for failed in answer["failed_orders"]]
        if answer["next_cursor"] is None:
            return ids
        answer = api.get("/failed-orders", params={**query, "cursor": answer["next_cursor"]}).json()
