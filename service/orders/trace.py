"""The thread through everything that happens to one order: a W3C trace context, which is carried and never read into.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
from collections.abc import Callable

_TRACEPARENT = re.compile("(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_XRAY_ROOT = re.compile(r"Root=1-(?P<time>[0-9a-f]{8})-(?P<random>[0-9a-f]{24})")


def accepted(traceparent: object) -> str | None:
    """A caller's ``traceparent``, or None when it is not one.

    Of a version that is not known yet, the parts that every version has are taken.
    """
    if not isinstance(traceparent, str):
        return None
    found = _TRACEPARENT.match(traceparent)
    rest = traceparent[found.end() :] if found else ""
    if found is None or (rest and (traceparent.startswith("00") or not rest.startswith("-"))):
        return None
    return f"00{found[0][2:]}"


def of_xray(header: object) -> str | None:
    """The same trace as X-Ray has it, which API Gateway names in each request: its id is 32 digits written in parts.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
    """
    found = _XRAY_ROOT.search(header) if isinstance(header, str) else None
    return accepted(_traceparent(found["time"] + found["random"])) if found else None


def begun(new_id: Callable[[], str]) -> str:
    """A trace of our own, for an order that comes without one."""
    return _traceparent(new_id())


def trace_id(traceparent: str | None) -> str | None:
    """What all lines of a trace have in common: its 32 hexadecimal digits."""
    return traceparent.split("-")[1] if traceparent else None


def _traceparent(trace: str) -> str:
    return f"00-{trace}-{trace[-16:]}-00"
