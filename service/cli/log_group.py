"""An order's story from CloudWatch Logs."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.cli.log_lines import Story

EARLIER = timedelta(minutes=1)  # before an order was created: two machines' clocks may differ
LONG_AGO = timedelta(days=7)
PAGES = 100  # of one search: one answers after up to 1 MB of log, with lines or without
TRACES = 10  # of one order that are searched for
PACE = 0.2  # seconds between two requests: an account has five of this kind a second, and no more for asking
EVENTS = 10_000  # of a page; the most that there can be


@dataclass
class Search:
    """What a search of a log group has found."""

    group: str
    region: str
    since: datetime
    story: Story
    cut: list[str] = field(default_factory=list)
    """What was not looked at."""


def search(logs: Any, group: str, order_id: str, since: datetime, until: datetime | None) -> Search:
    """Search a log group for an order's lines, and then for those of the same traces.

    A search is for a quoted term, which CloudWatch Logs and its emulators all know; what belongs is judged here.

    Args:
        logs: a client of CloudWatch Logs.
        group: the log group.
        order_id: the order.
        since: the begin of the search.
        until: its end; None for now.

    Raises:
        CliError: there is no such log group.
    """
    found = Search(group, logs.meta.region_name, since, Story(order_id))
    span = {"startTime": _milliseconds(since)} | ({"endTime": _milliseconds(until)} if until else {})
    try:
        _take(found, logs, order_id, span)
        traces = [trace for trace in found.story.traces if re.fullmatch("[0-9a-f]{32}", trace)]
        for trace in traces[:TRACES]:
            time.sleep(PACE)
            _take(found, logs, trace, span)
    except logs.exceptions.ResourceNotFoundException:
        raise CliError(
            ExitCode.USAGE,
            f"There is no log group {group} in {found.region}: the function has not run yet, or it writes elsewhere. "
            "Of containers: docker compose logs --no-log-prefix lambda api | dofs trace ORDER_ID --file -",
        ) from None
    if len(traces) > TRACES:
        found.cut.append(f"{len(traces) - TRACES} more traces of the order")
    return found


def _take(found: Search, logs: Any, term: str, span: dict[str, int]) -> None:
    for event in _events(found, logs, term, span):
        key = str(event["eventId"])
        found.story.take((len(key), key), event["message"], datetime.fromtimestamp(event["timestamp"] / 1000, UTC))


def _events(found: Search, logs: Any, term: str, span: dict[str, int]) -> Iterator[dict[str, Any]]:
    more: dict[str, str] = {}
    for number in range(PAGES):
        if number:
            time.sleep(PACE)
        page = logs.filter_log_events(
            logGroupName=found.group, filterPattern=f'"{term}"', limit=EVENTS, interleaved=True, **span, **more
        )
        yield from page["events"]
        if not page.get("nextToken"):
            return
        more = {"nextToken": page["nextToken"]}
    found.cut.append(f"what follows the first {PAGES} pages for {term}")


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
