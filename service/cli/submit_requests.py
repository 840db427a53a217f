"""Builds the request for each order of a file. The keys make a second run safe."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.cli.order_entry import Entry
from service.cli.submit_results import SubmitResult
from service.orders import strict_json

AMOUNTS = frozenset({"price", "total_amount"})


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """The request for one order: its body, and the idempotency key that makes a repeat safe."""

    line: int
    body: bytes
    key: str
    reference: str | None = None


def build_requests(entries: Iterable[Entry], batch: str) -> Iterator[SubmitRequest | SubmitResult]:
    """Build the request for each order that can be sent, and the result for each other one.

    The idempotency key of an order with a reference is a hash of the reference: a changed order under the same
    reference is refused, and is no second order. Without a reference it is a hash of the order and of the number of
    equal orders before it. It does not depend on the line, so that the user may add, remove or move lines.

    Args:
        entries: the orders of the file.
        batch: the user's label. Another label makes new orders of the same file.
    """
    seen: Counter[str] = Counter()
    for entry in entries:
        if unsent := SubmitResult.of_unsent(entry):
            yield unsent
            continue
        if reference := entry.reference:
            origin = f"reference\n{reference}"
        else:
            content = strict_json.fingerprint(strict_json.canonical_text(_normalize_amounts(entry.document)))
            seen[content] += 1
            origin = f"{content}\n{seen[content]}"
        key = hashlib.sha256(f"{len(batch)}:{batch}\n{origin}".encode()).hexdigest()
        body = strict_json.canonical_text(entry.document).encode()
        yield SubmitRequest(entry.line, body, f"dofs-cli-{key}", reference)


def _normalize_amounts(value: Any) -> Any:
    """Return the document with one text for equal amounts: a program may write 29.90 as 29.9 when it saves a file."""
    if isinstance(value, dict):
        return {
            name: _normalize_number(member) if name in AMOUNTS and _is_number(member) else _normalize_amounts(member)
            for name, member in value.items()
        }
    return [_normalize_amounts(item) for item in value] if isinstance(value, list) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _normalize_number(number: int | Decimal) -> str:
    """Return the same text for all numbers that are equal."""
    sign, digits, exponent = Decimal(number).as_tuple()
    significant = "".join(map(str, digits)).lstrip("0")
    kept = significant.rstrip("0")
    power = int(exponent) + len(significant) - len(kept) if kept else 0
    return f"{'-' if sign and kept else ''}{kept or '0'}e{power}"
