"""The cursor of a list: opaque to callers, and bound to the list that it came from."""

import base64
import hashlib

from service.api.problems import BadRequest
from service.orders.paging import MARK_BYTES, Position
from service.orders.timestamps import YEARS, parse, text

MAX_CURSOR = 8192  # characters


def encode(position: Position | None, listing: str) -> str | None:
    """Write where a page ended; None when nothing follows.

    Args:
        position: the end of the page.
        listing: what is listed, as ``status=PENDING``; the cursor is good for no other list.
    """
    if position is None:
        return None
    head = f"{_mark(listing)} {text(position.at)}\n".encode()
    content = head + bytes.fromhex("".join(sorted(position.listed)))
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(cursor: str | None, listing: str) -> Position | None:
    """Read a cursor of a list.

    Raises:
        BadRequest: it is not a cursor, or one of another list.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > MAX_CURSOR:
            raise ValueError
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        head, _, listed = content.partition(b"\n")
        mark, at = head.decode("ascii").split(" ")
        if mark != _mark(listing) or len(listed) % MARK_BYTES:
            raise ValueError
        marks = (listed[start : start + MARK_BYTES].hex() for start in range(0, len(listed), MARK_BYTES))
        ended = parse(at)
        if ended.year not in YEARS:
            raise ValueError
        return Position(ended, frozenset(marks))
    except (ValueError, OverflowError):
        raise BadRequest("cursor-invalid", "The cursor is not one of this list; begin without a cursor.") from None


def _mark(listing: str) -> str:
    return hashlib.sha256(listing.encode()).hexdigest()[:12]
