"""Checks or submits all orders of a file."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from service.cli.api import AsyncApi
from service.cli.errors import CliError, ExitCode
from service.cli.follow import follow_each
from service.cli.order_entry import Entry
from service.cli.order_view import format_amount
from service.cli.polling import TrackedOrders
from service.cli.submit_requests import SubmitRequest, build_requests
from service.cli.submit_results import SUBMITTED, SubmitResult, SubmitStatus
from service.cli.submit_run import SubmitRun
from service.cli.submit_summary import raise_errors, show_results
from service.cli.submitter import Submitter
from service.orders.json_views import error_views
from service.orders.validation import validate


def check_file(run: SubmitRun, entries: Sequence[Entry], report: Path | None) -> None:
    """Validate all orders as the API does, without sending one.

    Raises:
        CliError: an order is not valid.
    """
    with _open_report(report) as run.report:
        for entry in entries:
            run.add_result(SubmitResult.of_unsent(entry) or _check(entry))
    show_results(run)
    raise_errors(run)


def submit_file(
    run: SubmitRun,
    api: AsyncApi,
    entries: Sequence[Entry],
    report: Path | None,
    *,
    concurrency: int,
    lenient: bool,
    seconds_to_wait: float | None,
) -> None:
    """Submit all orders, and wait for their terminal states unless ``seconds_to_wait`` is None.

    Args:
        run: gets the results.
        api: the API.
        entries: the orders.
        report: the file that gets each result as it arrives.
        concurrency: the number of requests at the same time.
        lenient: accept now, validate in the workflow.
        seconds_to_wait: how long to wait for the terminal states.

    Raises:
        CliError: not all orders were submitted.
    """
    requests = build_requests(entries, run.batch)
    with _open_report(report) as run.report:
        try:
            asyncio.run(_submit_and_wait(run, api, requests, min(concurrency, run.orders), lenient, seconds_to_wait))
        except KeyboardInterrupt:
            run.interrupted = True
    run.results.sort(key=lambda result: result.line)
    if run.context.output.as_json or run.error is None or any(result.order_id for result in run.results):
        show_results(run)
    raise_errors(run)


def _check(entry: Entry) -> SubmitResult:
    verdict = validate(entry.document)
    if verdict.document is None:
        errors = tuple(error_views(verdict.errors))
        return SubmitResult(entry.line, SubmitStatus.REFUSED, errors=errors, reference=entry.reference)
    items = len(verdict.document["items"])
    detail = f"{format_amount(verdict.document)}, {items} item{'' if items == 1 else 's'}"
    return SubmitResult(entry.line, SubmitStatus.VALID, detail=detail, reference=entry.reference)


async def _submit_and_wait(
    run: SubmitRun,
    api: AsyncApi,
    requests: Iterator[SubmitRequest | SubmitResult],
    concurrency: int,
    lenient: bool,
    seconds_to_wait: float | None,
) -> None:
    async with api.client:
        with run.context.output.progress() as bar:
            task = bar.add_task("submitting", total=run.orders)

            def on_result(result: SubmitResult) -> None:
                run.add_result(result)
                bar.advance(task)

            submitter = Submitter(api, on_result, lenient)
            run.interrupted = await submitter.submit(requests, concurrency)
        run.error = submitter.error
        if seconds_to_wait is None or run.interrupted or run.error:
            return
        run.tracked = TrackedOrders(
            result.order_id for result in run.results if result.status in SUBMITTED and result.order_id
        )
        with run.context.output.progress() as bar:
            task = bar.add_task("waiting", total=len(run.tracked.orders))
            await follow_each(run.tracked, api, seconds_to_wait, concurrency, lambda: bar.advance(task))


def _open_report(report: Path | None) -> AbstractContextManager[IO[str] | None]:
    if report is None:
        return nullcontext()
    try:
        return report.open("w", encoding="utf-8")
    except OSError as error:
        raise CliError(ExitCode.USAGE, f"{report} cannot be written: {error.strerror}.") from None
