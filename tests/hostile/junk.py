"""Junk events: arbitrary JSON, and real events with parts replaced, removed or added."""

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests import events
from tests.hostile.logs import CANARY

TEXTS = (
    "",
    CANARY,
    "\x00",
    "\ud800",
    "é😀",
    "%ff%2e%2e/",
    "a\r\nb: c",
    "9" * 50,
    "x" * 3_000,
    "ord_1",
    "ord_rejected",
    "aws:sqs",
    "store",
    '{"order_id": "ord_1"}',
)
LOGGABLE = {"order_id": "ord_0", "execution": "ord_1"}
"""The fields that logs show, with values to put there in place of the canary."""
NUMBERS = (0, -1, 1, 2**64, 10**400, 0.5, -0.0, 1e308)
NAMES = (
    "dofs",
    "task",
    "input",
    "order",
    "order_id",
    "execution",
    "Records",
    "eventSource",
    "messageId",
    "body",
    "attributes",
    "resource",
    "httpMethod",
    "path",
    "requestContext",
    "headers",
    "multiValueHeaders",
    "isBase64Encoded",
    "identity",
    "authorizer",
    "claims",
    "content-type",
    "content-length",
    "host",
    "x-forwarded-port",
)

texts = st.sampled_from(TEXTS) | st.text(max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(NUMBERS) | texts
names = st.sampled_from(NAMES) | st.text(max_size=10)
values = st.recursive(
    scalars, lambda each: st.lists(each, max_size=4) | st.dictionaries(names, each, max_size=4), max_leaves=10
)
"""Any JSON value as Python's parser returns it, with lone surrogates."""

objects = st.dictionaries(names, values, max_size=6)


def with_canary(name: str) -> Any:
    """An event of ``tests/events``, with the canary in the customer's data."""
    written = json.dumps(events.load(name))
    for text in ("cust_123", "prod_456", "curl/8.7.1"):
        written = written.replace(text, CANARY)
    return json.loads(written)


def with_loggable_ids(node: Any) -> Any:
    """The same document, without the canary in order ids and execution names, which logs may show."""
    if isinstance(node, list):
        return [with_loggable_ids(part) for part in node]
    if not isinstance(node, dict):
        return node
    ids = {name: other for name, other in LOGGABLE.items() if isinstance(node.get(name), str) and CANARY in node[name]}
    return {name: with_loggable_ids(part) for name, part in node.items()} | ids


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to all parts of a document."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for name, part in inner for place in places(part, (*path, name)))]


@st.composite
def mutated(draw: st.DrawFn, originals: Sequence[Any], within: tuple[str, ...] = ()) -> Any:
    """One of some events, with junk in one or two parts; ``within`` limits the parts to those below a path."""
    event = deepcopy(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 2))):
        inside = [place for place in places(event) if place and place[: len(within)] == within]
        if not inside:
            break
        *way, last = draw(st.sampled_from(inside))
        holder = event
        for name in way:
            holder = holder[name]
        match draw(st.sampled_from(("reword", "reword", "replace", "remove", "add"))):
            case "reword" if isinstance(holder[last], str):
                holder[last] = draw(texts)
            case "replace" | "reword":
                holder[last] = draw(values)
            case "remove":
                del holder[last]
            case "add" if isinstance(holder, dict):
                holder[draw(names)] = draw(values)
            case "add":
                holder.append(draw(values))
    return event
