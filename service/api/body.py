"""Reads the body and the headers of a request: JSON, ``Idempotency-Key``, ``Prefer``."""

import asyncio
import codecs
import re
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from fastapi import Request
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from service.api.problems import BadRequest, BodyTooLarge, BodyTooSlow, WrongContentEncoding, WrongMediaType
from service.orders import strict_json

BODY_TIMEOUT = 20
"""Seconds in which the whole body must arrive. API Gateway buffers bodies; uvicorn has no timeout of its own."""


async def read_json(request: Request) -> Any:
    """Read a JSON body of up to 256 KiB. Further errors are those of ``read_body``.

    Raises:
        MalformedDocument: the body is not valid JSON.
    """
    return strict_json.parse((await read_body(request, strict_json.MAX_SIZE)).removeprefix(codecs.BOM_UTF8))


async def read_body(request: Request, most: int) -> bytes:
    """Read the body of a JSON request as it was sent, and never buffer more than ``most`` bytes.

    Raises:
        WrongMediaType: the content type is not ``application/json``. Without one, JSON is assumed.
        WrongContentEncoding: the body is compressed.
        BodyTooLarge: ``Content-Length`` or the body is larger than ``most``.
        BodyTooSlow: the body did not arrive in time.
        BadRequest: the client disconnected before the end of the body.
    """
    _check_headers(request.headers)
    content_length = request.headers.get("content-length", "")
    if re.fullmatch("[0-9]{1,20}", content_length) and int(content_length) > most:
        raise BodyTooLarge(most)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT), aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > most:
                    raise BodyTooLarge(most)
    except ClientDisconnect:
        raise BadRequest("body-incomplete", "The client disconnected before the end of the body.") from None
    except TimeoutError:
        raise BodyTooSlow from None
    return bytes(body)


QUOTED = re.compile('"[^"]*"')


def _check_headers(headers: Headers) -> None:
    # Some clients and proxies send the header twice, or its value: "application/json, application/json".
    given = QUOTED.sub("", ",".join(headers.getlist("content-type"))).lower()
    types = {each.partition(";")[0].strip() for each in given.split(",") if each.strip()}
    # A page of another site can send a request without a content type, and without asking the server first.
    if types != {"application/json"} and (types or "origin" in headers):
        raise WrongMediaType
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise WrongContentEncoding


KEY_PATTERN = r"""^([!#-~]([ -~]{0,253}[!-~])?|"([ !#-\[\]-~]|\\["\\]){1,255}")$"""
"""The documented form of an ``Idempotency-Key``. ``parse_idempotency_key`` accepts some other forms too."""


def parse_idempotency_key(headers: Sequence[str]) -> str | None:
    """Return the key of the ``Idempotency-Key`` headers: 1 to 255 printable ASCII characters, bare or quoted.

    Raises:
        BadRequest: the key has another form, or there are two headers. A proxy may have read the other one.
    """
    if not headers:
        return None
    if len(headers) > 1:
        raise BadRequest("idempotency-key-invalid", "Idempotency-Key must be sent only once.")
    key = headers[0].strip()
    if len(key) >= 2 and key.startswith('"') and key.endswith('"'):
        key = re.sub(r"\\([\"\\])", r"\1", key[1:-1])
    if not re.fullmatch(r"[\x20-\x7e]{1,255}", key):
        raise BadRequest(
            "idempotency-key-invalid", "Idempotency-Key must be 1 to 255 printable ASCII characters, bare or quoted."
        )
    return key


def prefers_lenient(headers: Sequence[str]) -> bool:
    """Return whether ``Prefer`` headers have ``handling=lenient``. Of several handlings the first counts (RFC 7240)."""
    preferences = [preference.partition(";")[0] for header in headers for preference in header.split(",")]
    pairs = [preference.partition("=") for preference in preferences]
    handlings = [value.strip().strip('"').lower() for name, _, value in pairs if name.strip().lower() == "handling"]
    return handlings[:1] == ["lenient"]
