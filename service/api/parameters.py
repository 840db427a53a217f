"""Types of the parameters that several routes have."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from service.orders.listing import OWNER_BYTES
from service.orders.timestamps import YEARS, parse

DECODED_PLUS = re.compile("(?<=[0-9]) ([0-9]{2}:?[0-9]{2})$")
"""The offset of a time in a URL whose ``+`` was not percent-encoded, so that it is read as a space."""


def _parse_instant(written: object) -> datetime:
    try:
        instant = parse(DECODED_PLUS.sub(r"+\1", written) if isinstance(written, str) else "")
        if instant.year not in YEARS:
            raise ValueError
        return instant
    except (ValueError, OverflowError):
        raise PydanticCustomError("instant", "must be an RFC 3339 timestamp with a time zone") from None


def _check_owner(written: str) -> str:
    if len(written.encode()) > OWNER_BYTES:
        raise PydanticCustomError("owner", f"must have at most {OWNER_BYTES} bytes")
    return written


Instant = Annotated[datetime, BeforeValidator(_parse_instant)]
Owner = Annotated[str, Field(min_length=1, max_length=OWNER_BYTES), AfterValidator(_check_owner)]
Cursor = Annotated[
    str | None,
    Field(description="`next_cursor` of the previous response.", json_schema_extra={"pattern": "^[A-Za-z0-9_-]+$"}),
]
