"""Checks of all answers together: what was said of a delivery must agree with what was said before.

One answer is later than another if its request was sent after the other one was complete.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby, permutations

from service.orders.shipments import Lines, Shipment
from service.orders.warehouse import State
from service.warehouses.conformance.checks import Check
from service.warehouses.conformance.replies import Reply, ships_too_much
from service.warehouses.conformance.results import Doubtful, NotSeen, Wrong
from service.warehouses.conformance.run import ENDS, Run
from service.warehouses.redaction import HIDDEN
from service.warehouses.shipments import MAX_DESCRIPTION
from service.warehouses.wire import read_retry_after

SHIPPED_NOTHING = frozenset({State.DECLINED, State.REFUSED})
STATES = {
    ("POST", 422): {State.REFUSED},
    ("PUT", 200): {State.CANCELLED},
    ("PUT", 202): {State.ACCEPTED},
    ("PUT", 409): {State.ACCEPTED, *ENDS} - {State.CANCELLED},
}
"""The states that an HTTP status allows, where it does not allow all of them."""


def _check_state(run: Run) -> None:
    for reply in _all(run):
        if reply.problem and not _denies_its_parcels(reply):
            raise Wrong(f"{reply.method} under {reply.key}", "the state of the delivery", _explain(reply))


def _check_status(run: Run) -> None:
    for reply in _all(run):
        allowed = STATES.get((reply.method, reply.status))
        if reply.answer and allowed and reply.answer.state not in allowed:
            expected = f"HTTP {reply.status} only with the status {' or '.join(sorted(allowed))}"
            raise Wrong(f"{reply.method} under {reply.key}", expected, reply.describe())


def _check_remembered(run: Run) -> None:
    ends = {reply.state.state for reply in _all(run) if reply.answer} & ENDS
    if not ends:
        raise NotSeen("no delivery has ended in the time of the run")
    for before, after in _successive(run):
        if before.state.state in ENDS and after.state.state is not before.state.state:
            raise Wrong(_after(before, after), before.state.state, after.describe())


def _check_complete(run: Run) -> None:
    ended = [reply for reply in _all(run) if reply.answer and reply.answer.state in ENDS]
    if not ended:
        raise NotSeen("no delivery has ended in the time of the run")
    for before, after in _successive(run):
        if before.state.state in ENDS and after.state.state is before.state.state and _ids(after) - _ids(before):
            raise Wrong(_after(before, after), "no further parcel", after.describe())


def _check_whole(run: Run) -> None:
    _need_parcels(run)
    for before, after in _successive(run):
        if _ids(before) - _ids(after):
            raise Wrong(_after(before, after), "all of the parcels that were named before", after.describe())


def _check_nothing_shipped(run: Run) -> None:
    replies = [reply for reply in _all(run) if _says_nothing_shipped(reply)]
    if not replies:
        raise NotSeen("no delivery was declined or refused")
    for reply in replies:
        if _denies_its_parcels(reply):
            raise Wrong(f"{reply.method} under {reply.key}", "no parcels", f"{reply.document['status']} with parcels")
    for before, after in _successive(run):
        if before.state.shipments and before.state.state not in ENDS and after.state.state in SHIPPED_NOTHING:
            raise Wrong(_after(before, after), "another state, because a parcel was shipped", after.describe())


def _check_quantities(run: Run) -> None:
    _need_parcels(run)
    for key, replies in _by_key(run).items():
        if ships_too_much(run.orders.by_key[key], replies):
            raise Wrong(f"all requests under {key}", "no more than was asked for", "parcels with more of a line")


def _check_unchanged(run: Run) -> None:
    _need_parcels(run)
    for key, replies in _by_key(run).items():
        known: dict[str, Lines] = {}
        for parcel in (parcel for reply in replies for parcel in reply.state.shipments):
            if known.setdefault(parcel.id, parcel.lines) != parcel.lines:
                raise Wrong(f"all requests under {key}", "one parcel of each id", "two parcels with the same id")


def _check_left_out(run: Run) -> None:
    _need_parcels(run)
    for reply in _all(run):
        for name in _left_out(reply) if reply.answer else ():
            raise Doubtful(f"DOFS cannot read {name} in the answer to {reply.method} under {reply.key}")


def _check_reason(run: Run) -> None:
    reasons = [reply.answer.reason for reply in _all(run) if reply.answer and reply.answer.reason]
    if not reasons:
        raise NotSeen("no answer has a reason")
    if any(HIDDEN in reason for reason in reasons):
        raise Doubtful(f"a reason quotes the order's address or note; DOFS writes {HIDDEN} in its place")


def _check_not_taken(run: Run) -> None:
    given = run.warehouse.retry_after
    if not given:
        raise NotSeen("no request was answered with 429 or 503")
    if any(read_retry_after(each, datetime.now(UTC)) is None for each in given):
        raise Doubtful("an answer 429 or 503 has no usable Retry-After")


def _all(run: Run) -> list[Reply]:
    """The answers that should have a state, in their order."""
    return sorted(run.warehouse.replies, key=lambda reply: reply.started)


def _by_key(run: Run) -> Mapping[str, list[Reply]]:
    """The answers that have a state, by their delivery."""
    replies = sorted((reply for reply in _all(run) if reply.answer), key=lambda reply: reply.key)
    return {key: [*each] for key, each in groupby(replies, key=lambda reply: reply.key)}


def _successive(run: Run) -> Iterator[tuple[Reply, Reply]]:
    """Each two answers about a delivery of which one is later."""
    for replies in _by_key(run).values():
        yield from ((before, after) for before, after in permutations(replies, 2) if before.ended <= after.started)


def _need_parcels(run: Run) -> None:
    if not any(reply.answer and reply.answer.shipments for reply in _all(run)):
        raise NotSeen("no answer has a parcel")


def _says_nothing_shipped(reply: Reply) -> bool:
    return any(reply.document.get("status") == state for state in SHIPPED_NOTHING)


def _denies_its_parcels(reply: Reply) -> bool:
    return _says_nothing_shipped(reply) and bool(reply.document.get("shipments"))


def _ids(reply: Reply) -> set[str]:
    return {parcel.id for parcel in reply.state.shipments}


def _left_out(reply: Reply) -> Iterator[str]:
    """The members that the answer has, and that DOFS leaves out because it cannot read them."""
    document = reply.document
    if reply.state.state is State.ACCEPTED and document.get("due_at") is not None and reply.state.due_at is None:
        yield "due_at"
    parcels = {parcel.id: parcel for parcel in reply.state.shipments}
    for given in document.get("shipments") or ():
        parcel: Shipment = parcels[given["id"]]
        yield from (
            name
            for name in (*MAX_DESCRIPTION, "shipped_at")
            if given.get(name) is not None and getattr(parcel, name) is None
        )


def _after(before: Reply, after: Reply) -> str:
    return f"{after.method} under {after.key}, after {before.method} was answered with {before.describe()}"


def _explain(reply: Reply) -> str:
    return f"HTTP {reply.status}: {reply.problem}"


def _check(name: str, sentence: str, test: Callable[[Run], None]) -> Check:
    def after_the_end(run: Run) -> None:
        run.settle()
        test(run)

    return Check(name, sentence, after_the_end)


CHECKS = (
    _check(
        "state", "Each answer about a delivery has its state, in JSON, with up to 1 MiB, not compressed.", _check_state
    ),
    _check(
        "status",
        "The HTTP status agrees with the state: only refused has 422, and a cancellation only 200 with cancelled.",
        _check_status,
    ),
    _check("remembered", "The end of a delivery is remembered under its key, and repeated.", _check_remembered),
    _check("complete", "After the end of a delivery its list of parcels does not grow.", _check_complete),
    _check("whole", "Each answer has all parcels of the key.", _check_whole),
    _check(
        "nothing-shipped",
        "declined and refused are only said if nothing was shipped under the key.",
        _check_nothing_shipped,
    ),
    _check(
        "quantities",
        "The parcels have lines of the request, and no more of a line than was asked for.",
        _check_quantities,
    ),
    _check(
        "unchanged", "The id of a parcel is unique within its key, and its quantities do not change.", _check_unchanged
    ),
    _check("left-out", "Times, carriers, tracking numbers and tracking URLs are well-formed.", _check_left_out),
    _check("reason", "A reason does not quote the order's address or note.", _check_reason),
    _check("not-taken", "429 and 503 have a Retry-After.", _check_not_taken),
)
