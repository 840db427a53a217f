"""The cursor of a list: opaque to callers, and bound to the list that it came from."""

import base64
import binascii
import hashlib
import json

from service.api.problems import BadRequest
from service.orders.paging import Position
from service.orders.timestamps import parse, text

MAX_CURSOR = 8192  # characters


def encode(position: Position | None, listing: str) -> str | None:
    """Write where a page ended; None when nothing follows.

    Args:
        position: the end of the page.
        listing: what is listed, as ``status=PENDING``; the cursor is good for no other list.
    """
    if position is None:
        return None
    content = [_mark(listing), text(position.at), sorted(position.listed)]
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


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
        content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        mark, at, listed = content
        if mark != _mark(listing) or not all(isinstance(order_id, str) for order_id in listed):
            raise ValueError
        return Position(parse(at), frozenset(listed))
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error):
        raise BadRequest("cursor-invalid", "The cursor is not one of this list; begin without a cursor.") from None


def _mark(listing: str) -> str:
    return hashlib.sha256(listing.encode()).hexdigest()[:12]
