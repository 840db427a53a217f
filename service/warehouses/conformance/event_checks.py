"""Checks of the events that the warehouse sends."""

from collections.abc import Callable, Sequence
from functools import partial

from service.orders.shipments import Shipment
from service.warehouses.conformance.checks import Check
from service.warehouses.conformance.receiver import REFUSALS, Arrival
from service.warehouses.conformance.results import Doubtful, NotSeen, Wrong
from service.warehouses.conformance.run import Run


def _check_signed(_: Run, arrivals: Sequence[Arrival]) -> None:
    for arrival in arrivals:
        if not arrival.is_signed:
            raise Wrong(_name(arrival), "a signature with the secret, at most five minutes old", "none that is valid")


def _check_form(_: Run, arrivals: Sequence[Arrival]) -> None:
    for arrival in arrivals:
        if arrival.problem:
            raise Wrong(_name(arrival), "an event", arrival.problem)


def _check_ids(_: Run, arrivals: Sequence[Arrival]) -> None:
    events = {(arrival.id, arrival.event) for arrival in arrivals if arrival.event}
    names = {name for name, _ in events}
    if len(events) > len(names):
        raise Wrong("two events", "an id for each", "one id for both")


def _check_repeated(run: Run, arrivals: Sequence[Arrival]) -> None:
    refused = [arrival for arrival in arrivals if arrival.status in REFUSALS]
    if not refused:
        raise NotSeen("no event could be refused")
    for arrival in refused:
        if not _came_again(run, arrival):
            raise Wrong(
                f"HTTP {arrival.status} to {_name(arrival)}", "the event again", "nothing until the end of the run"
            )


def _check_parcels(run: Run, arrivals: Sequence[Arrival]) -> None:
    parcels = _parcels(run)
    reported = set()
    for arrival in arrivals:
        shipment = arrival.event.shipment if arrival.event and arrival.is_signed else None
        if shipment is None:
            continue
        name = arrival.key, shipment.id
        reported.add(name)
        if name not in parcels:
            raise Wrong(_name(arrival), "a parcel that GET has, too", "a parcel that GET does not have")
        if not _is_same(shipment, parcels[name]):
            raise Wrong(_name(arrival), "the parcel as GET has it", "other lines, or another tracking number")
    missing = parcels.keys() - reported
    if missing:
        raise Doubtful(f"{len(missing)} of {len(parcels)} parcels came without an event; DOFS finds them later")


def _parcels(run: Run) -> dict[tuple[str, str], Shipment]:
    """The parcels of all answers, by the delivery and the id."""
    answers = ((reply.key, reply.answer) for reply in run.warehouse.replies if reply.answer)
    return {(key, parcel.id): parcel for key, answer in answers for parcel in answer.shipments}


def _is_same(one: Shipment, other: Shipment) -> bool:
    numbers = {one.tracking_number, other.tracking_number} - {None}
    return one.lines == other.lines and len(numbers) <= 1


def _came_again(run: Run, arrival: Arrival) -> bool:
    arrivals = run.receiver.arrivals if run.receiver else []
    return any(later.id == arrival.id for later in arrivals[arrivals.index(arrival) + 1 :])


def _have_all_arrived(run: Run) -> bool:
    arrivals = run.receiver.arrivals if run.receiver else []
    named = {
        (arrival.key, arrival.event.shipment.id) for arrival in arrivals if arrival.event and arrival.event.shipment
    }
    refused = [arrival for arrival in arrivals if arrival.status in REFUSALS]
    return named >= _parcels(run).keys() and all(_came_again(run, arrival) for arrival in refused)


def _name(arrival: Arrival) -> str:
    kind = arrival.event.type if arrival.event else "an"
    return f"{kind} event {arrival.id} under {arrival.key}"


def _test(run: Run, *, test: Callable[[Run, Sequence[Arrival]], None]) -> None:
    run.settle()
    run.wait_for_events(lambda: _have_all_arrived(run))
    arrivals = tuple(run.receiver.arrivals) if run.receiver else ()
    if not arrivals:
        raise NotSeen("no event has arrived")
    test(run, arrivals)


def _check(name: str, sentence: str, test: Callable[[Run, Sequence[Arrival]], None]) -> Check:
    return Check(name, sentence, partial(_test, test=test))


def _check_nothing(_: Run) -> None:
    raise NotSeen("the checks do not listen for events; give them an address to listen on")


CHECKS = (
    _check("event-signed", "Each event is signed with the secret.", _check_signed),
    _check(
        "event-form",
        "Each event is JSON and has an id, a type, a delivery key, and a parcel if its type is shipped.",
        _check_form,
    ),
    _check("event-ids", "An event that is sent again is the same event.", _check_ids),
    _check("event-repeated", "An event is sent again after 409 and after 503.", _check_repeated),
    _check("event-parcels", "The parcel of an event is the one that GET has.", _check_parcels),
)
WITHOUT_RECEIVER = Check("events", "The warehouse sends events.", _check_nothing)
