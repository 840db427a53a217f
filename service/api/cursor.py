"""Encodes the position in a list as an opaque cursor, which is valid for this list only."""

import base64
import hashlib

from service.api.problems import BadRequest
from service.orders.paging import MARK_BYTES, Position
from service.orders.timestamps import YEARS, parse, text

MAX_CURSOR = 8192  # characters


def encode(position: Position | None, listing: str) -> str | None:
    """Encode the end of a page; None after the last page.

    Args:
        position: the end of the page; None when it is the last.
        listing: the filter of the list, as ``status=PENDING``. The cursor is invalid for any other list.
    """
    if position is None:
        return None
    head = f"{_digest(listing)} {text(position.at)}\n".encode()
    content = head + bytes.fromhex("".join(sorted(position.listed)))
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(cursor: str | None, listing: str) -> Position | None:
    """Decode a cursor of a list.

    Raises:
        BadRequest: the cursor is malformed, or belongs to another list.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > MAX_CURSOR:
            raise ValueError
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        head, _, listed = content.partition(b"\n")
        digest, at = head.decode("ascii").split(" ")
        if digest != _digest(listing) or len(listed) % MARK_BYTES:
            raise ValueError
        marks = (listed[start : start + MARK_BYTES].hex() for start in range(0, len(listed), MARK_BYTES))
        instant = parse(at)
        if instant.year not in YEARS:
            raise ValueError
        return Position(instant, frozenset(marks))
    except (ValueError, OverflowError):
        raise BadRequest(
            "cursor-invalid", "The cursor does not belong to this list. Start again without a cursor."
        ) from None


def _digest(listing: str) -> str:
    return hashlib.sha256(listing.encode()).hexdigest()[:12]
