"""Submits the orders of a file. A second run, also after an interruption, creates no duplicates."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import httpx

from service.cli.api import AsyncApi
from service.cli.errors import CliError, ExitCode
from service.cli.http_api import accepted_order_id, parse_problem, problem_errors, problem_text
from service.cli.signals import Interruption
from service.cli.submit_requests import SubmitRequest
from service.cli.submit_results import SubmitResult, SubmitStatus

KEY_REUSED = "urn:dofs:problem:idempotency-key-reused"
CHANGED = (
    "An order with this number was submitted before, and differs. Give a changed order a number of its own; "
    "--batch separates the orders of several shops."
)


@dataclass(slots=True)
class Submitter:
    """Sends several requests at the same time.

    Attributes:
        api: the API.
        on_result: called with each result as it arrives.
        lenient: accept now, validate in the workflow.
        error: the error that stopped the submission, if any.
    """

    api: AsyncApi
    on_result: Callable[[SubmitResult], None]
    lenient: bool = False
    error: CliError | None = None
    _interruption: Interruption = field(default_factory=Interruption)

    async def submit(self, requests: Iterable[SubmitRequest | SubmitResult], concurrency: int) -> bool:
        """Send all requests. After an error or Ctrl-C, the result of the others is NOT_SENT.

        Returns:
            Whether the user has interrupted the submission.
        """
        queue = iter(requests)
        workers = [asyncio.create_task(self._work(queue)) for _ in range(concurrency)]
        with self._interruption.handle(workers):
            for worker in asyncio.as_completed(workers):
                try:
                    await worker
                except asyncio.CancelledError:
                    if not self._interruption.requested:
                        raise
        for request in queue:
            if isinstance(request, SubmitRequest):
                self.on_result(SubmitResult(request.line, SubmitStatus.NOT_SENT, reference=request.reference))
            else:
                self.on_result(request)
        return self._interruption.requested

    async def _work(self, queue: Iterator[SubmitRequest | SubmitResult]) -> None:
        while self.error is None and not self._interruption.requested:
            request = next(queue, None)
            if request is None:
                return
            if isinstance(request, SubmitResult):
                self.on_result(request)
                continue
            result = SubmitResult(request.line, SubmitStatus.NOT_SENT, reference=request.reference)
            try:
                result = await self._send(request)
            finally:
                self.on_result(result)

    async def _send(self, request: SubmitRequest) -> SubmitResult:
        headers = {"Content-Type": "application/json", "Idempotency-Key": request.key}
        if self.lenient:
            headers["Prefer"] = "handling=lenient"
        endpoint = self.api.endpoint
        try:
            response = await self.api.send("POST", "/order", content=request.body, headers=headers)
        except httpx.TransportError as error:
            self.error = self.error or endpoint.unreachable_error(error)
            return SubmitResult(request.line, SubmitStatus.NOT_SENT, reference=request.reference)
        order_id = accepted_order_id(response)
        if order_id is not None:
            replayed = response.headers.get("idempotency-replayed") == "true"
            status = SubmitStatus.ALREADY_THERE if replayed else SubmitStatus.ACCEPTED
            return SubmitResult(request.line, status, order_id, reference=request.reference)
        problem = parse_problem(response)
        detail = problem_text(problem, response)
        if problem.get("type") == KEY_REUSED and request.reference:
            detail = CHANGED
        if response.status_code in (400, 413, 415, 422):
            return SubmitResult(
                request.line,
                SubmitStatus.REFUSED,
                detail=detail,
                errors=tuple(problem_errors(problem)),
                reference=request.reference,
            )
        if response.status_code == 500:  # the other orders may succeed
            return SubmitResult(request.line, SubmitStatus.ERROR, detail=detail, reference=request.reference)
        if response.is_success:
            self.error = self.error or CliError(ExitCode.API, f"{endpoint.url} does not answer as a DOFS API does.")
        else:
            self.error = self.error or endpoint.response_error(response, "Submitting")
        return SubmitResult(request.line, SubmitStatus.NOT_SENT, reference=request.reference)
