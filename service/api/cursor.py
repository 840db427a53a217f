"""Encodes the position in a list as a sealed cursor, which is valid for this list only.

A caller can neither write nor change one: a cursor ends with an HMAC (RFC 2104) of its content and its list.
"""

import base64
import hashlib
import hmac

from service.api.problems import BadRequest
from service.orders.paging import MARK_BYTES, Position
from service.orders.ports import System
from service.orders.timestamps import parse, text

SEAL_BYTES = 16


def encode(position: Position | None, listing: str, system: System) -> str | None:
    """Encode the end of a page; None after the last page.

    Args:
        position: the end of the page; None when it is the last.
        listing: the filter of the list, as ``status=PENDING``. The cursor is invalid for any other list.
        system: has the key of the seal.

    Raises:
        Unavailable: the key cannot be read.
    """
    if position is None:
        return None
    content = f"{text(position.at)}\n".encode() + bytes.fromhex("".join(sorted(position.listed)))
    return base64.urlsafe_b64encode(content + _seal(content, listing, system)).decode().rstrip("=")


def decode(cursor: str | None, listing: str, system: System) -> Position | None:
    """Decode a cursor of a list. Arguments are those of ``encode``.

    Raises:
        BadRequest: this system has not given the cursor for this list.
        Unavailable: the key cannot be read.
    """
    if cursor is None:
        return None
    content, seal = _opened(cursor)
    if not hmac.compare_digest(seal, _seal(content, listing, system)):
        raise BadRequest("cursor-invalid", "The cursor does not belong to this list. Start again without a cursor.")
    at, _, listed = content.partition(b"\n")
    marks = (listed[start : start + MARK_BYTES].hex() for start in range(0, len(listed), MARK_BYTES))
    return Position(parse(at.decode()), frozenset(marks))


def _opened(cursor: str) -> tuple[bytes, bytes]:
    """The content and the seal; empty if the cursor is no Base64, so that no seal is valid for it."""
    try:
        sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return b"", b""
    return sealed[:-SEAL_BYTES], sealed[-SEAL_BYTES:]


def _seal(content: bytes, listing: str, system: System) -> bytes:
    message = listing.encode() + b"\0" + content
    return hmac.digest(system.cursor_key, message, hashlib.sha256)[:SEAL_BYTES]
