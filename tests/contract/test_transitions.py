"""Every transition from every status in every store is applied exactly when the transition table permits it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from service.orders.lifecycle import VERSION_SEEN, Status
from service.orders.ports import OrderStore, TransitionRefused
from service.orders.transitions import TRANSITIONS, TransitionName
from tests.contract.support import (
    NOW,
    expected,
    holds,
    order_in,
    permitting,
    write_of,
)
from tests.transition_table import NAMES, sources_of

LEASES = {
    "expired": NOW - timedelta(milliseconds=1),
    "ends now": NOW,
    "live": NOW + timedelta(milliseconds=1),
}


def circumstances(name: TransitionName, status: Status) -> Iterator[tuple[dict[str, Any], bool]]:
    """Attribute values for which guards hold and do not hold, and whether the version seen is current."""
    permitted = permitting(name, status)
    if permitted is None:
        yield {"attempts": 2}, True
        yield {"attempts": 3}, True
        return
    numbers = {each: getattr(permitted, each) for each in ("asked", "cancel_asked", "parcels")}
    for changes, is_seen in _circumstances():
        yield numbers | changes, is_seen
    for each, number in numbers.items():
        yield numbers | {"attempts": permitted.attempts, each: int(not number)}, True


def _circumstances() -> Iterator[tuple[dict[str, Any], bool]]:
    for attempts, lease, owner, seen in product((2, 3), LEASES.values(), ("mine", "theirs"), (True, False)):
        yield {"attempts": attempts, "lease_until": lease, "lease_owner": owner}, seen
    yield {"lease_owner": None}, True
    yield {"lease_until": None, "attempts": 2}, True
    yield {"lease_until": None, "attempts": 3}, True
    yield {"attempts": 4}, True


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("status", Status)
def test_a_transition_is_applied_exactly_when_the_table_permits_it(
    store: OrderStore, status: Status, name: TransitionName
):
    for number, (changes, is_seen) in enumerate(circumstances(name, status)):
        order = store.create(order_in(status, f"ord_{number}", **changes))
        write = write_of(name, order)
        if not is_seen and VERSION_SEEN in TRANSITIONS[name].guards:
            write = replace(write, seen=replace(order, version=order.version - 1))
        case = f"{name} from {status} with {changes}, version seen: {is_seen}"
        if holds(order, write):
            assert store.apply(write) == expected(order, write), case
            assert store.get(order.order_id) == expected(order, write), case
        else:
            with pytest.raises(TransitionRefused) as refused:
                pytest.fail(f"{case}: {store.apply(write)}")
            assert refused.value.order == order, case
            assert refused.value.write == write, case
            assert store.get(order.order_id) == order, case


def test_a_leased_order_cannot_be_claimed(store: OrderStore):
    order = store.create(order_in(Status.PROCESSING, lease_until=NOW, lease_owner="theirs"))
    with pytest.raises(TransitionRefused, match="claim was refused: order ord_1 is PROCESSING, version 5"):
        store.apply(write_of("claim", order))


def test_an_attempt_is_counted_at_its_claim(store: OrderStore):
    order = store.create(order_in(Status.PENDING, attempts=0))
    assert store.apply(write_of("claim", order)).attempts == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_transition_creates_an_order(store: OrderStore, name: TransitionName):
    order = order_in(TRANSITIONS[name].target or sources_of(name)[0])
    with pytest.raises(TransitionRefused, match="does not exist") as refused:
        store.apply(write_of(name, order))
    assert refused.value.order is None
    assert store.get(order.order_id) is None
    assert store.get_failed(order.order_id) is None


@pytest.mark.parametrize("name", [name for name in NAMES if VERSION_SEEN in TRANSITIONS[name].guards])
def test_a_writer_with_an_outdated_version_is_refused(store: OrderStore, name: TransitionName):
    order = store.create(permitting(name))
    with pytest.raises(TransitionRefused) as refused:
        store.apply(write_of(name, order, seen=replace(order, version=4)))
    assert refused.value.order == order
