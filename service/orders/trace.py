"""The trace of an order, as a W3C ``traceparent``: it is passed on unchanged with everything that concerns the order.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from collections.abc import Callable

_TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_XRAY_ROOT = re.compile(r"Root=1-(?P<time>[0-9a-f]{8})-(?P<random>[0-9a-f]{24})")


def valid_traceparent(traceparent: object) -> str | None:
    """A caller's ``traceparent``, or None if it is not valid.

    Of a later version of the format, only the fields that every version has are kept.
    """
    if not isinstance(traceparent, str):
        return None
    found = _TRACEPARENT.match(traceparent)
    rest = traceparent[found.end() :] if found else ""
    if found is None or (rest and (traceparent.startswith("00") or not rest.startswith("-"))):
        return None
    return f"00{found[0][2:]}"


def from_xray(header: object) -> str | None:
    """The ``traceparent`` of an X-Ray trace header, which API Gateway adds to each request; None if there is none.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """
    found = _XRAY_ROOT.search(header) if isinstance(header, str) else None
    return valid_traceparent(_traceparent(found["time"] + found["random"])) if found else None


def new_traceparent(new_id: Callable[[], str]) -> str:
    """A new trace, for an order that comes without one."""
    return _traceparent(new_id())


def trace_id(traceparent: str | None) -> str | None:
    """The trace's id: 32 hexadecimal digits."""
    return traceparent.split("-")[1] if traceparent else None


def _traceparent(trace: str) -> str:
    return f"00-{trace}-{trace[-16:]}-00"
