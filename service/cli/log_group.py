"""Searches CloudWatch Logs for the log lines of an order."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.cli.errors import CliError, ExitCode
from service.cli.order_log import OrderLog

CLOCK_SKEW = timedelta(minutes=1)  # the search begins this long before the order was created
DEFAULT_AGE = timedelta(days=7)  # of the oldest line of the search, if the order is unknown
MAX_PAGES = 100  # of one search; CloudWatch Logs returns a page for each 1 MB of log, also without matches
MAX_TRACES = 10  # traces of one order that are searched for
PAUSE = 0.2  # seconds between requests: the quota of FilterLogEvents is 5 per second, and cannot be raised
PAGE_SIZE = 10_000  # the maximum


@dataclass
class LogSearch:
    """The result of a search."""

    group: str
    region: str
    since: datetime
    log: OrderLog
    reference: str | None = None
    """The shop's own number of the order, if the order was read."""
    skipped: list[str] = field(default_factory=list)
    """The parts of the log that were not searched."""


def search_log_group(logs: Any, group: str, order_id: str, since: datetime, until: datetime | None) -> LogSearch:
    """Search a log group for the lines of an order, and then for the lines of the same traces.

    The filter pattern is a quoted term, because CloudWatch Logs and its emulators all support it. ``OrderLog`` decides
    which lines belong to the order.

    Args:
        logs: a client of CloudWatch Logs.
        group: the name of the log group.
        order_id: the order.
        since: the start of the search.
        until: the end of the search; None for now.

    Raises:
        CliError: the log group does not exist.
    """
    search = LogSearch(group, logs.meta.region_name, since, OrderLog(order_id))
    span = {"startTime": _milliseconds(since)} | ({"endTime": _milliseconds(until)} if until else {})
    try:
        _search_term(search, logs, order_id, span)
        traces = [trace for trace in search.log.traces if re.fullmatch("[0-9a-f]{32}", trace)]
        for trace in traces[:MAX_TRACES]:
            time.sleep(PAUSE)
            _search_term(search, logs, trace, span)
    except logs.exceptions.ResourceNotFoundException:
        raise CliError(
            ExitCode.USAGE,
            f"There is no log group {group} in {search.region}: the function has not run yet, or it logs elsewhere. "
            "For containers: docker compose logs --no-log-prefix lambda api | dofs trace ORDER_ID --file -",
        ) from None
    if len(traces) > MAX_TRACES:
        search.skipped.append(f"{len(traces) - MAX_TRACES} more traces of the order")
    return search


def _search_term(search: LogSearch, logs: Any, term: str, span: dict[str, int]) -> None:
    for event in _filter_events(search, logs, term, span):
        key = str(event["eventId"])
        search.log.add((len(key), key), event["message"], datetime.fromtimestamp(event["timestamp"] / 1000, UTC))


def _filter_events(search: LogSearch, logs: Any, term: str, span: dict[str, int]) -> Iterator[dict[str, Any]]:
    token: dict[str, str] = {}
    for number in range(MAX_PAGES):
        if number:
            time.sleep(PAUSE)
        page = logs.filter_log_events(
            logGroupName=search.group, filterPattern=f'"{term}"', limit=PAGE_SIZE, interleaved=True, **span, **token
        )
        yield from page["events"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}
    search.skipped.append(f"the pages after the first {MAX_PAGES} for {term}")


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
