"""The transition table agrees with the design, of which this file holds an independent copy."""

from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.orders import diagram
from service.orders.lifecycle import OPEN, TERMINAL, UNSUCCESSFUL, Assign, Guard, Status, Transition
from service.orders.model import FieldError, Order, Write
from service.orders.shipments import Shipment
from service.orders.transition_rules import after_write
from service.orders.transitions import TRANSITIONS, TransitionName
from tests.support import START, MemorySystem
from tests.transition_table import permits, values_of

LEFT = "attempts < max_attempts"
SPENT = "attempts >= max_attempts"
EXPIRED = "lease_until < now"
MINE = "lease_owner = lease_owner"
SEEN = "version = seen_version"
ASKED, NOT_ASKED = "asked >= 1", "asked = 0 or absent"
CANCELLED, NOT_CANCELLED = "cancel_asked >= 1", "cancel_asked = 0 or absent"
PARCEL, NO_PARCEL = "parcels >= 1", "parcels = 0 or absent"

# The only copy of the transition table, kept to check it. name, from, to: the guards
DESIGN = {
    ("receive", None, "RECEIVED"): set(),
    ("store", "RECEIVED", "PENDING"): set(),
    ("reject", "RECEIVED", "REJECTED"): set(),
    ("cancel", "RECEIVED", "CANCELLED"): {NOT_ASKED, NO_PARCEL},
    ("cancel", "PENDING", "CANCELLED"): {NOT_ASKED, NO_PARCEL},
    ("cancel_rest", "PENDING", "PARTLY_FULFILLED"): {NOT_ASKED, PARCEL, SEEN},
    ("ask_cancel", "PENDING", "PENDING"): {ASKED, NOT_CANCELLED, SEEN},
    ("ask_cancel", "PROCESSING", "PROCESSING"): {ASKED, NOT_CANCELLED, SEEN},
    ("ask_cancel", "AT_WAREHOUSE", "AT_WAREHOUSE"): {ASKED, NOT_CANCELLED, SEEN},
    ("cancel_refused", "PENDING", "PENDING"): {CANCELLED, SEEN},
    ("cancel_refused", "PROCESSING", "PROCESSING"): {CANCELLED, SEEN},
    ("cancel_refused", "AT_WAREHOUSE", "AT_WAREHOUSE"): {CANCELLED, SEEN},
    ("claim", "PENDING", "PROCESSING"): {LEFT},
    ("claim", "PROCESSING", "PROCESSING"): {LEFT, EXPIRED},
    ("fulfill", "PROCESSING", "FULFILLED"): {MINE, SEEN},
    ("hand_over", "PROCESSING", "AT_WAREHOUSE"): {MINE, SEEN},
    ("close_short", "PROCESSING", "PARTLY_FULFILLED"): {MINE, SEEN},
    ("cancelled_there", "PROCESSING", "CANCELLED"): {MINE, SEEN, NO_PARCEL},
    ("release", "PROCESSING", "PENDING"): {MINE, SEEN},
    ("not_taken", "PROCESSING", "PENDING"): {MINE, SEEN},
    ("put_back", "PROCESSING", "PENDING"): {MINE, SEEN},
    ("decline", "PROCESSING", "PENDING"): {MINE, SEEN, LEFT, NOT_CANCELLED},
    ("fail", "PROCESSING", "FAILED"): {MINE, SEEN, NOT_CANCELLED, NO_PARCEL},
    ("drop", "PROCESSING", "CANCELLED"): {MINE, SEEN, CANCELLED, NO_PARCEL},
    ("look_shipped", "PENDING", "FULFILLED"): {ASKED, SEEN},
    ("look_shipped", "PROCESSING", "FULFILLED"): {ASKED, SEEN, EXPIRED},
    ("look_shipped", "AT_WAREHOUSE", "FULFILLED"): {ASKED, SEEN},
    ("look_shipped", "FAILED", "FULFILLED"): {ASKED, SEEN},
    ("look_shipped", "PARTLY_FULFILLED", "FULFILLED"): {ASKED, SEEN},
    ("look_working", "PENDING", "AT_WAREHOUSE"): {ASKED, SEEN},
    ("look_working", "PROCESSING", "AT_WAREHOUSE"): {ASKED, SEEN, EXPIRED},
    ("look_working", "AT_WAREHOUSE", "AT_WAREHOUSE"): {ASKED, SEEN},
    ("look_partly", "FAILED", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("look_partly", "PARTLY_FULFILLED", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("look_closed", "PENDING", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("look_closed", "PROCESSING", "PARTLY_FULFILLED"): {ASKED, SEEN, EXPIRED},
    ("look_closed", "AT_WAREHOUSE", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("look_closed", "FAILED", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("look_closed", "PARTLY_FULFILLED", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("look_declined", "PENDING", "PENDING"): {ASKED, SEEN, LEFT, NOT_CANCELLED},
    ("look_declined", "PROCESSING", "PENDING"): {ASKED, SEEN, LEFT, NOT_CANCELLED, EXPIRED},
    ("look_declined", "AT_WAREHOUSE", "PENDING"): {ASKED, SEEN, LEFT, NOT_CANCELLED},
    ("look_ended", "PENDING", "FAILED"): {ASKED, SEEN, NOT_CANCELLED, NO_PARCEL},
    ("look_ended", "PROCESSING", "FAILED"): {ASKED, SEEN, NOT_CANCELLED, EXPIRED, NO_PARCEL},
    ("look_ended", "AT_WAREHOUSE", "FAILED"): {ASKED, SEEN, NOT_CANCELLED, NO_PARCEL},
    ("look_ended", "FAILED", "FAILED"): {ASKED, SEEN, NO_PARCEL},
    ("look_dropped", "PENDING", "CANCELLED"): {ASKED, SEEN, CANCELLED, NO_PARCEL},
    ("look_dropped", "PROCESSING", "CANCELLED"): {ASKED, SEEN, CANCELLED, EXPIRED, NO_PARCEL},
    ("look_dropped", "AT_WAREHOUSE", "CANCELLED"): {ASKED, SEEN, CANCELLED, NO_PARCEL},
    ("look_cancelled", "PENDING", "CANCELLED"): {ASKED, SEEN, NO_PARCEL},
    ("look_cancelled", "PROCESSING", "CANCELLED"): {ASKED, SEEN, EXPIRED, NO_PARCEL},
    ("look_cancelled", "AT_WAREHOUSE", "CANCELLED"): {ASKED, SEEN, NO_PARCEL},
    ("look_cancelled", "FAILED", "CANCELLED"): {ASKED, SEEN, NO_PARCEL},
    ("give_up", "PENDING", "FAILED"): {SPENT, SEEN, NO_PARCEL},
    ("give_up", "PROCESSING", "FAILED"): {SPENT, SEEN, EXPIRED, NO_PARCEL},
    ("give_up", "AT_WAREHOUSE", "FAILED"): {SEEN, NO_PARCEL},
    ("give_up_rest", "PENDING", "PARTLY_FULFILLED"): {SPENT, SEEN, PARCEL},
    ("give_up_rest", "PROCESSING", "PARTLY_FULFILLED"): {SPENT, SEEN, EXPIRED, PARCEL},
    ("give_up_rest", "AT_WAREHOUSE", "PARTLY_FULFILLED"): {SEEN, PARCEL},
    ("look", "AT_WAREHOUSE", "AT_WAREHOUSE"): {ASKED, SEEN},
    ("look", "FAILED", "FAILED"): {ASKED, SEEN},
    ("look", "PARTLY_FULFILLED", "PARTLY_FULFILLED"): {ASKED, SEEN},
    ("ship", "PENDING", "PENDING"): {SEEN},
    ("ship", "PROCESSING", "PROCESSING"): {SEEN, EXPIRED},
    ("ship", "AT_WAREHOUSE", "AT_WAREHOUSE"): {SEEN},
    ("ship_last", "PENDING", "FULFILLED"): {SEEN},
    ("ship_last", "PROCESSING", "FULFILLED"): {SEEN, EXPIRED},
    ("ship_last", "AT_WAREHOUSE", "FULFILLED"): {SEEN},
    ("ship_late", "FAILED", "PARTLY_FULFILLED"): {SEEN},
    ("ship_late", "PARTLY_FULFILLED", "PARTLY_FULFILLED"): {SEEN},
    ("ship_late_last", "FAILED", "FULFILLED"): {SEEN},
    ("ship_late_last", "PARTLY_FULFILLED", "FULFILLED"): {SEEN},
    ("ship_contradiction", "RECEIVED", "RECEIVED"): {SEEN},
    ("ship_contradiction", "REJECTED", "REJECTED"): {SEEN},
    ("ship_contradiction", "CANCELLED", "CANCELLED"): {SEEN},
    ("ship_contradiction", "FULFILLED", "FULFILLED"): {SEEN},
    ("recover", "PROCESSING", "PENDING"): {SEEN, EXPIRED},
    ("resend", "PENDING", "PENDING"): {SEEN},
    ("restart", "RECEIVED", "RECEIVED"): {SEEN},
    ("redrive", "FAILED", "PENDING"): {SEEN},
    ("redrive", "PARTLY_FULFILLED", "PENDING"): {SEEN},
    ("new_delivery", "FAILED", "PENDING"): {ASKED, SEEN},
    ("new_delivery", "PARTLY_FULFILLED", "PENDING"): {ASKED, SEEN},
}
NEXT = {"delivery = delivery", "asked = 0", "lines = lines"}
PARCELS = {"shipments = shipments", "parcels = parcels"}
CLOSED = {*PARCELS, *NEXT, "cancel_asked = 0"}
OUT = {*PARCELS, "due_at = due_at", "looks = 0"}
REDRIVEN = {"epoch + 1", "attempts = 0", "resends = 0", "looks = 0", "cancel_asked = 0"}
CHANGES = {
    "reject": {"errors = errors"},
    "ask_cancel": {"cancel_asked = 1", "looks = 0"},
    "cancel_refused": {"cancel_asked = 0"},
    "claim": {"attempts + 1", "asked + 1", "lease_owner = lease_owner", "lease_until = lease_until", "resends = 0"},
    "fulfill": PARCELS,
    "hand_over": OUT,
    "close_short": CLOSED,
    "cancelled_there": {"asked = 0", "cancel_asked = 0"},
    "not_taken": {"asked + -1"},
    "put_back": {"asked + -1", "attempts + -1"},
    "decline": NEXT,
    "fail": NEXT,
    "drop": {*NEXT, "cancel_asked = 0"},
    "look_shipped": PARCELS,
    "look_working": OUT,
    "look_partly": PARCELS,
    "look_closed": CLOSED,
    "look_declined": NEXT,
    "look_ended": NEXT,
    "look_dropped": {*NEXT, "cancel_asked = 0"},
    "look_cancelled": {"asked = 0", "cancel_asked = 0"},
    "look": {"looks + 1"},
    "ship": {*PARCELS, "lines = lines"},
    "ship_last": PARCELS,
    "ship_late": {*PARCELS, "lines = lines"},
    "ship_late_last": PARCELS,
    "ship_contradiction": PARCELS,
    "recover": {"resends + 1"},
    "resend": {"resends + 1"},
    "restart": {"restarts + 1"},
    "redrive": REDRIVEN,
    "new_delivery": {*NEXT, *REDRIVEN},
}
COUNTED = {
    "FULFILLED": {"OrdersFulfilled", "TimeToFulfill"},
    "PARTLY_FULFILLED": {"OrdersPartlyFulfilled"},
    "FAILED": {"OrdersFailed", "AttemptsFailed"},
    "CANCELLED": {"OrdersCancelled"},
    "REJECTED": {"OrdersRejected"},
}
"""The metrics of an order that enters a terminal state."""

VALUES = {
    "max_attempts": 3,
    "lease_owner": "w2",
    "lease_until": START + timedelta(minutes=1),
    "errors": (FieldError("/items", "is required"),),
    "delivery": 2,
    "lines": ((1, 1),),
    "shipments": (Shipment(delivery=1, id="s1", lines=((1, 1),)),),
    "parcels": 1,
    "due_at": START + timedelta(days=3),
}
MOVES = [name for name in TRANSITIONS if name != "receive"]


def written(guard: Guard) -> str:
    return f"{guard.attribute} {guard.comparison} {guard.value}" + " or absent" * guard.if_absent


def changes(transition: Transition) -> set[str]:
    found = set()
    for change in transition.changes:
        match change:
            case Assign(attribute):
                found.add(f"{attribute} = {attribute}")
            case _ if hasattr(change, "to"):
                found.add(f"{change.attribute} = {change.to}")
            case _:
                found.add(f"{change.attribute} + {change.by}")
    return found


def order_that_permits(transition: Transition) -> Order:
    """An order for which every guard of the transition's first source holds."""
    status = transition.sources[0].status
    spent = any(written(guard) == SPENT for guard in transition.sources[0].guards)
    return replace(
        MemorySystem().receive(),
        status=status,
        attempts=3 if spent else 2,
        lease_owner="w2",
        lease_until=START - timedelta(seconds=1),
        asked=0 if any(written(guard) == NOT_ASKED for guard in transition.guards) else 1,
        cancel_asked=int(any(written(guard) == CANCELLED for guard in transition.guards)),
        parcels=int(any(written(guard) == PARCEL for guard in transition.guards)),
    )


def write_of(name: TransitionName, order: Order) -> Write:
    return Write(name=name, order_id=order.order_id, id="w2", at=START, actor="test", values=VALUES, seen=order)


def test_the_table_holds_exactly_the_transitions_of_the_design():
    table = {
        (name, source and source.status.value, (transition.target or source.status).value): {
            written(guard) for guard in (*transition.guards, *(source.guards if source else ()))
        }
        for name, transition in TRANSITIONS.items()
        for source in (transition.sources or (None,))
    }
    assert table == DESIGN, "change DESIGN in this file, if the table is right"


def test_each_transition_changes_what_the_design_says():
    assert {name: changes(row) for name, row in TRANSITIONS.items() if row.changes} == CHANGES, (
        "change CHANGES in this file, if the table is right"
    )


def test_each_row_has_its_own_name_as_its_key():
    assert all(name == transition.name for name, transition in TRANSITIONS.items())


def test_the_terminal_states_are_those_of_the_design():
    ended = {Status.FULFILLED, Status.PARTLY_FULFILLED, Status.REJECTED, Status.CANCELLED, Status.FAILED}
    assert ended == TERMINAL, "add a new state to OPEN in service/orders/lifecycle.py, or to the terminal states here"
    assert set(Status) == OPEN | TERMINAL
    assert not OPEN & TERMINAL


def test_only_an_operator_and_the_warehouse_move_an_order_out_of_a_terminal_state():
    leaving = {
        (name, source.status)
        for name, transition in TRANSITIONS.items()
        for source in transition.sources
        if source.status in TERMINAL
    }
    words = ("look_shipped", "look_partly", "look_closed", "look", "ship_late", "ship_late_last")
    late = {(name, status) for name in ("redrive", "new_delivery", *words) for status in UNSUCCESSFUL}
    moves = {pair for pair in leaving if TRANSITIONS[pair[0]].target is not None or pair[0] == "look"}
    assert moves == late | {("look_ended", Status.FAILED), ("look_cancelled", Status.FAILED)}


@pytest.mark.parametrize("transition", TRANSITIONS.values(), ids=TRANSITIONS)
def test_transitions_into_and_out_of_the_unsuccessful_states_write_the_failed_orders_table(transition: Transition):
    sources = {source.status for source in transition.sources}
    enters = transition.target in UNSUCCESSFUL and not sources <= UNSUCCESSFUL
    leaves = transition.target not in (None, *UNSUCCESSFUL) and bool(sources & UNSUCCESSFUL)
    assert transition.failed_orders == ("put" if enters else "delete" if leaves else None)


@pytest.mark.parametrize("transition", TRANSITIONS.values(), ids=TRANSITIONS)
def test_an_order_that_enters_a_terminal_state_is_counted(transition: Transition):
    stays = transition.target in UNSUCCESSFUL and {source.status for source in transition.sources} <= UNSUCCESSFUL
    counted = set() if transition.target is None or stays else COUNTED.get(transition.target)
    assert counted is None or set(transition.metrics) == counted


def test_every_state_is_reachable_and_leads_to_a_terminal_state():
    arrows = {(source, target) for _, source, target in DESIGN}
    reached: set[str | None] = {None}
    for _ in Status:
        reached |= {target for source, target in arrows if source in reached}
    assert reached - {None} == set(Status), "DESIGN in this file has no transition to the state"
    ending = set(TERMINAL)
    for _ in Status:
        ending |= {Status(source) for source, target in arrows if source and target in ending}
    assert ending == set(Status), "DESIGN in this file has no way from the state to a terminal one"


@pytest.mark.parametrize("transition", TRANSITIONS.values(), ids=TRANSITIONS)
def test_guards_and_changes_name_attributes_of_an_order(transition: Transition):
    guards = [*transition.guards, *(guard for source in transition.sources for guard in source.guards)]
    named = {guard.attribute for guard in guards} | {change.attribute for change in transition.changes}
    assert named <= {field.name for field in fields(Order)}


@pytest.mark.parametrize("transition", TRANSITIONS.values(), ids=TRANSITIONS)
def test_a_transition_changes_an_attribute_once_and_none_that_every_write_changes(transition: Transition):
    attributes = [change.attribute for change in transition.changes]
    assert len(attributes) == len(set(attributes))
    assert not {"status", "version", "updated_at", "write_id", "timeline"} & set(attributes)


@pytest.mark.parametrize("name", MOVES)
def test_a_write_provides_every_value_of_its_transition(name: TransitionName):
    transition = TRANSITIONS[name]
    order = order_that_permits(transition)
    write = write_of(name, order)
    guards = [*transition.guards, *(guard for source in transition.sources for guard in source.guards)]
    brought = [write.value(guard.value) for guard in guards]
    brought += [write.value(change.attribute) for change in transition.changes if isinstance(change, Assign)]
    assert None not in brought
    assert permits(transition, order, values_of(write))
    assert after_write(order, write).status is (transition.target or order.status)


def test_only_claims_redrives_and_requests_that_were_not_taken_change_the_number_of_attempts():
    changing = {
        name for name, row in TRANSITIONS.items() if any(change.attribute == "attempts" for change in row.changes)
    }
    assert changing == {"claim", "put_back", "redrive", "new_delivery"}


def test_an_order_cannot_be_received_again():
    order = MemorySystem().receive()
    assert not permits(TRANSITIONS["receive"], order, values_of(write_of("receive", order)))


def test_the_lifecycle_page_is_up_to_date():
    committed = Path(__file__).parents[2] / "docs" / "lifecycle.md"
    assert committed.read_text() == diagram.document(), "docs/lifecycle.md is stale: make fmt"


@pytest.mark.parametrize(("name", "source", "target"), DESIGN)
def test_the_diagram_draws_every_transition(name: str, source: str | None, target: str):
    assert f"    {source or '[*]'} --> {target}: {name}\n" in diagram.document()


def test_the_diagram_ends_at_terminal_states_without_a_redrive():
    ends = {line.split()[0] for line in diagram.document().splitlines() if line.endswith("--> [*]")}
    assert ends == TERMINAL - UNSUCCESSFUL
