"""Reading what a request to submit an order carries: its body, its idempotency key, its preference."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.api.problems import BadRequest, BodyTooLarge, BodyTooSlow, WrongMediaType
from service.orders import strict_json

PATIENCE = 20
"""Seconds that a body may take. API Gateway hands it over whole; a server waits for as long as it is let."""


async def read_json(request: Request) -> Any:
    """Read a JSON body of up to 64 KiB, and never hold more than that.

    Raises:
        WrongMediaType: the content type is not ``application/json``.
        BodyTooLarge: more than 64 KiB were announced or arrived.
        BodyTooSlow: it took too long to arrive.
        MalformedDocument: it is not acceptable JSON.
        BadRequest: the client hung up in the middle of it.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise WrongMediaType
    announced = request.headers.get("content-length", "")
    if re.fullmatch("[0-9]{1,20}", announced) and int(announced) > strict_json.MAX_SIZE:
        raise BodyTooLarge
    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE), aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > strict_json.MAX_SIZE:
                    raise BodyTooLarge
    except ClientDisconnect:
        raise BadRequest("body-incomplete", "The body did not arrive whole.") from None
    except TimeoutError:
        raise BodyTooSlow from None
    return strict_json.parse(bytes(body))


KEY_PATTERN = r"""^([!#-~][ -~]{14,126}[!-~]|"([ !#-\[\]-~]|\\["\\]){16,128}")$"""
"""What the documentation says of an ``Idempotency-Key``; what else can be read as one is taken, too."""


def idempotency_key(headers: Sequence[str]) -> str | None:
    """The key of an ``Idempotency-Key`` header: 16 to 128 printable ASCII characters, bare or as a quoted string.

    Raises:
        BadRequest: it is of another form, or there are two, of which somebody before us may have read the other.
    """
    if not headers:
        return None
    if len(headers) > 1:
        raise BadRequest("idempotency-key-invalid", "Idempotency-Key must be given once.")
    key = headers[0].strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = re.sub(r"\\([\"\\])", r"\1", key[1:-1])
    if not re.fullmatch(r"[\x20-\x7e]{16,128}", key):
        raise BadRequest(
            "idempotency-key-invalid", "Idempotency-Key must be 16 to 128 printable ASCII characters, bare or quoted."
        )
    return key


def prefers_lenient(headers: Sequence[str]) -> bool:
    """Whether ``Prefer`` headers ask for ``handling=lenient`` (RFC 7240); of several handlings, the first counts."""
    preferences = [preference.partition(";")[0] for header in headers for preference in header.split(",")]
    pairs = [preference.partition("=") for preference in preferences]
    handlings = [value.strip().strip('"').lower() for name, _, value in pairs if name.strip().lower() == "handling"]
    return handlings[:1] == ["lenient"]
