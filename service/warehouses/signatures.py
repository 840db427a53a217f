"""Signatures of HTTP requests, by the Standard Webhooks specification: HMAC-SHA256 of the id, the time and the body.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hmac
import os
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
MAX_SECRETS = 2
"""How many secrets are valid at the same time: during a rotation, the new one and the old one."""
TOLERANCE = 300
"""How many seconds the time of a request may differ from the receiver's clock."""
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class BadSignature(Exception):
    """The request was not signed with one of the secrets, or not within the tolerance."""


def read_secret(text: str) -> bytes:
    """The key of a secret: ``whsec_`` and 24 to 64 bytes in base64.

    Raises:
        ValueError: it is not such a secret; the message does not quote it.
    """
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not text.startswith(PREFIX) or not 24 <= len(key) <= 64:
        raise ValueError("it must be whsec_ and 24 to 64 random bytes in base64")
    return key


def read_secrets(text: str) -> tuple[bytes, ...]:
    """The keys of one or two secrets with white space between them: the first signs, and each verifies.

    Raises:
        ValueError: it holds no secret, another text or more than two; the message quotes nothing of it.
    """
    keys = tuple(map(read_secret, text.split() or [""]))
    if len(keys) > MAX_SECRETS:
        raise ValueError(f"it must hold at most {MAX_SECRETS} secrets")
    return keys


def new_secret() -> str:
    """Make a random secret."""
    return PREFIX + base64.b64encode(os.urandom(32)).decode()


def sign(key: bytes, request_id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers that sign a request.

    Args:
        key: the key of the secret.
        request_id: the id of the request.
        at: the time, in seconds since 1970.
        body: the body; empty for a GET.
    """
    return {ID: request_id, TIMESTAMP: str(at), SIGNATURE: f"v1,{_digest(key, request_id, str(at), body)}"}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Check the signature of a request. Several keys allow a rotation of the secret.

    Args:
        keys: the keys of the secrets that are valid.
        headers: the request's headers, with names in lower case.
        body: the body as it arrived.
        now: the time, in seconds since 1970.

    Raises:
        BadSignature: the request is not signed with one of the keys, or its time is outside the tolerance.
    """
    request_id, at = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    if not (at.isascii() and at.isdigit() and len(at) < 16 and abs(now - int(at)) <= TOLERANCE):
        raise BadSignature("the time of the request is missing or too far from the present time")
    given = [
        value
        for version, _, value in (each.partition(",") for each in headers.get(SIGNATURE, "").split())
        if version == "v1"
    ]
    expected = [_digest(key, request_id, at, body) for key in keys]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected):
        raise BadSignature("no signature of the request is valid")


def _digest(key: bytes, request_id: str, at: str, body: bytes) -> str:
    signed = b".".join((request_id.encode(), at.encode(), body))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
