"""The warehouse of the model: a ledger of deliveries, and all that it may do under its contract.

An order has two lines of one unit each, and is shipped in one parcel or in two. Lines and parcels are bits: 1 and 2 are
the lines; 1, 2 and 4 are the parcels with the first line, with the second line, and with both.
"""

from functools import cache
from typing import NamedTuple

from service.orders.callbacks import Event, EventType
from service.orders.shipments import Lines, Shipment
from service.orders.warehouse import Answer, OtherItems, State

BOTH = 3
PARCELS = (1, 2, 4)
LINES = (0, 1, 2, 3, 3, 3, 3, 3)
"""The lines that a set of parcels holds."""
PARCEL = {1: 1, 2: 2, BOTH: 4}
"""The parcel with these lines."""
EVENTS = {
    State.ACCEPTED: EventType.ACCEPTED,
    State.REFUSED: EventType.REFUSED,
    State.CLOSED: EventType.CLOSED,
    State.CANCELLED: EventType.CANCELLED,
}
ASKED, REFUSED = 1, 2
"""The states of a cancellation: the warehouse tries it, or has refused it."""


class Delivery(NamedTuple):
    """A delivery as the warehouse knows it; without a state it does not."""

    state: State | None = None
    parcels: int = 0
    lines: int = 0
    """What was asked for; 0 if it was cancelled before it was asked for."""
    cancellation: int = 0


class Word(NamedTuple):
    """What the warehouse said about a delivery; without a state there was no usable answer."""

    state: State | None
    parcels: int = 0
    other_items: bool = False


Ledger = tuple[Delivery, ...]
"""The deliveries of the order; the first has number 1."""
UNKNOWN = Word(None)
NOT_TAKEN = Word(State.NOT_TAKEN)
NEVER_HAD_IT = Word(State.NOT_FOUND)


@cache
def parcel(delivery: int, bit: int) -> Shipment:
    """A parcel as it is reported."""
    lines = tuple((position, 1) for position in (1, 2) if LINES[bit] & position)
    return Shipment(delivery=delivery, id=f"p{bit}", lines=lines)


@cache
def answer(delivery: int, word: Word) -> Answer | Exception:
    """A word as the system receives it."""
    if word.other_items:
        return OtherItems()
    if word.state is None:
        return TimeoutError("the answer was lost")
    shipments = tuple(parcel(delivery, bit) for bit in PARCELS if word.parcels & bit)
    return Answer(word.state, shipments=shipments)


@cache
def event(kind: EventType, delivery: int, bit: int = 0) -> Event:
    """An event as the system receives it."""
    return Event(kind, "ord_1", delivery, parcel(delivery, bit) if bit else None)


@cache
def bits_of(lines: Lines) -> int:
    """The lines of a row as bits; no lines are the whole order."""
    return sum(position for position, _ in lines) or BOTH


@cache
def shipments_of(ledger: Ledger) -> frozenset[Shipment]:
    """All parcels that the warehouse has shipped."""
    return frozenset(
        parcel(number, bit) for number, each in enumerate(ledger, 1) for bit in PARCELS if each.parcels & bit
    )


@cache
def times_shipped(ledger: Ledger) -> tuple[int, int]:
    """How often each line was shipped, over all deliveries."""
    held = [LINES[bit] for each in ledger for bit in PARCELS if each.parcels & bit]
    return sum(lines & 1 for lines in held), sum(lines >> 1 for lines in held)


def replaced(ledger: Ledger, delivery: int, new: Delivery) -> Ledger:
    """The ledger with another state of one delivery."""
    return (*ledger[: delivery - 1], new, *ledger[delivery:])


def word_of(ledger: Ledger, delivery: int) -> Word:
    """The answer to a look."""
    known = ledger[delivery - 1]
    return Word(known.state, known.parcels) if known.state else NEVER_HAD_IT


@cache
def asked(ledger: Ledger, delivery: int, lines: int) -> list[tuple[Ledger, Word]]:
    """What a request may come to: the ledger and the answer. The last delivery always ships all of its lines."""
    known = ledger[delivery - 1]
    if known.state:
        other = bool(known.lines) and known.lines != lines
        return [(ledger, NOT_TAKEN), (ledger, Word(known.state, known.parcels, other))]
    results = [(State.ACCEPTED, 0), (State.SHIPPED, PARCEL[lines])]
    if delivery < len(ledger):
        results += [(State.DECLINED, 0), (State.REFUSED, 0)] + [(State.CLOSED, 1)] * (lines == BOTH)
    taken = [(replaced(ledger, delivery, Delivery(state, out, lines)), Word(state, out)) for state, out in results]
    return [(ledger, NOT_TAKEN), *taken]


@cache
def cancelled(ledger: Ledger, delivery: int) -> list[tuple[Ledger, Word]]:
    """What a request to cancel may come to: the ledger, and the answer; if that is no, what a look shows then."""
    known = ledger[delivery - 1]
    dead = Delivery(State.CANCELLED, known.parcels, known.lines)
    no = (ledger, Word(known.state, known.parcels))
    yes = (replaced(ledger, delivery, dead), Word(State.CANCELLED, known.parcels))
    match known.state:
        case None:
            return [yes]
        case State.ACCEPTED if known.cancellation != REFUSED:
            may_end = delivery < len(ledger) or not known.parcels
            tried = replaced(ledger, delivery, known._replace(cancellation=ASKED))
            return [yes] * may_end + [(tried, Word(State.CANCELLING)), no]
        case _:
            return [no]


@cache
def works(ledger: Ledger, *, lies: bool) -> list[tuple[int, str, Ledger]]:
    """What the warehouse may do by itself: the number of faults that it is, its name, and the ledger after it."""
    found = []
    for number, each in enumerate(ledger, 1):
        last = number == len(ledger)
        rest = each.lines & ~LINES[each.parcels]
        if lies and each.state not in (None, State.ACCEPTED, State.SHIPPED) and rest:
            after = each._replace(parcels=each.parcels | PARCEL[rest])
            found.append((1, f"the warehouse breaks its word: d{number} ships, it was {each.state}", number, after))
        if each.state is not State.ACCEPTED:
            continue
        for lines in (BOTH, 1) if rest == BOTH else (rest,):
            out = each.parcels | PARCEL[lines]
            state = State.SHIPPED if LINES[out] == each.lines else State.ACCEPTED
            cancellation = each.cancellation if state is State.ACCEPTED else min(each.cancellation, 1) * REFUSED
            after = each._replace(state=state, parcels=out, cancellation=cancellation)
            found.append((0, f"the warehouse ships lines {lines:02b} of d{number}", number, after))
        ends = {
            State.CLOSED: not last,
            State.REFUSED: not last and not each.parcels,
            State.DECLINED: not last and not each.parcels,
            State.CANCELLED: each.cancellation == ASKED and (not last or not each.parcels),
        }
        for state in (state for state, may_end in ends.items() if may_end):
            after = each._replace(state=state, cancellation=0)
            found.append((0, f"the warehouse ends d{number}: {state}", number, after))
        if each.cancellation == ASKED:
            after = each._replace(cancellation=REFUSED)
            found.append((0, f"the warehouse refuses to cancel d{number}", number, after))
        if lies and not each.parcels:
            found.append((1, f"the warehouse breaks its word: it forgets d{number}", number, Delivery()))
    return [(cost, label, replaced(ledger, number, after)) for cost, label, number, after in found]


@cache
def events(ledger: Ledger) -> list[Event]:
    """The events that the warehouse may send: now, later, again, or never."""
    found = []
    for number, each in enumerate(ledger, 1):
        found += [event(EventType.SHIPPED, number, bit) for bit in PARCELS if each.parcels & bit]
        if each.state in EVENTS:
            found.append(event(EVENTS[each.state], number))
        if each.cancellation == REFUSED:
            found.append(event(EventType.CANCEL_REFUSED, number))
    return found
