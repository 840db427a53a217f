"""I5, and I14 to I19: the parcels of an order, compared with its rows and with the warehouse's ledger."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from service.orders.lifecycle import UNSUCCESSFUL
from service.orders.shipments import Lines, Shipment, shipped

if TYPE_CHECKING:
    from tests.simulation.checker import Record, Row, Step


def check_parcels(order_id: str, history: Sequence["Step"], record: "Record") -> Iterator[tuple[str, str]]:
    """Check each row of an order, and the last one against the ledger, if the warehouse ships in parcels."""
    lines, is_alarmed = record.ordered.get(order_id, ()), order_id in record.alarms
    for step in history:
        yield from _check_row(step, lines, is_alarmed=is_alarmed)
    if record.shipments is None:
        return
    last, sent = history[-1].after, record.shipments.get(order_id, [])
    by_key = {shipment.key: shipment for shipment in sent}
    must_be_known = by_key.keys()
    if order_id in record.in_breach and last.status not in UNSUCCESSFUL:  # nobody looks at it any more
        must_be_known = record.in_breach[order_id]
    for key in must_be_known - {shipment.key for shipment in last.shipments}:
        yield "I18", f"it is {last.status}, asked {last.asked}, and the warehouse shipped {key}"
    for shipment in last.shipments:
        if by_key.get(shipment.key) != shipment:
            yield "I16", f"it has the parcel {shipment.key}, which the warehouse did not ship"
    if _exceeds(tuple(sent), lines) and not (is_alarmed and order_id in record.in_breach):
        yield "I15", f"the warehouse shipped {dict(shipped(sent))} of {lines}"
    if last.status == "CANCELLED" and sent and not is_alarmed:
        yield "I19", "it is CANCELLED, and the warehouse shipped a part of it"
    if is_alarmed and order_id not in record.in_breach:
        yield "I14", "somebody was alarmed about its parcels, and the warehouse kept its contract"


def _check_row(step: "Step", lines: Lines, *, is_alarmed: bool) -> Iterator[tuple[str, str]]:
    row = step.after
    if step.before and not {*step.before.shipments} <= {*row.shipments}:
        yield "I14", f"{step.name} forgot a parcel"
    if _exceeds(row.shipments, lines) and not is_alarmed:
        yield "I14", f"after {step.name}, {dict(shipped(row.shipments))} of {lines} were shipped, without an alarm"
    if row.parcels != len(row.shipments):
        yield "I14", f"after {step.name} it has {row.parcels} parcels: {row.shipments}"
    if (row.status == "FULFILLED") != _is_all(row, lines) and not (is_alarmed and row.status == "CANCELLED"):
        yield "I16", f"after {step.name} it is {row.status}, and {dict(shipped(row.shipments))} of {lines} were shipped"
    if row.status == "FAILED" and row.shipments:
        yield "I16", f"after {step.name} it is FAILED, and a part was shipped"


def _is_all(row: "Row", lines: Lines) -> bool:
    sent = shipped(row.shipments)
    return bool(row.shipments) and all(sent[line] >= quantity for line, quantity in lines)


def _exceeds(shipments: Sequence[Shipment], lines: Lines) -> bool:
    quantities = dict(lines)
    return any(quantity > quantities.get(line, 0) for line, quantity in shipped(shipments).items())
