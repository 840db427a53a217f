"""Submits the orders of a file. A second run, also after an interruption, creates no duplicates."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

import httpx

from service.cli.api import AsyncApi
from service.cli.errors import CliError, ExitCode
from service.cli.http_api import accepted_order_id, parse_problem, problem_errors, problem_text
from service.cli.order_entry import Entry
from service.cli.signals import Interruption
from service.orders import strict_json

AMOUNTS = frozenset({"price", "total_amount"})


class SubmitStatus(StrEnum):
    """The result for one order of the file."""

    VALID = "valid"  # a dry run
    ACCEPTED = "accepted"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    ERROR = "error"
    NOT_SENT = "not_sent"


SUBMITTED = frozenset({SubmitStatus.ACCEPTED, SubmitStatus.ALREADY_THERE})


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """The result for the order on one line, and the reason."""

    line: int
    status: SubmitStatus
    order_id: str | None = None
    detail: str | None = None
    errors: tuple[dict[str, str], ...] = ()
    reference: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON."""
        return {
            "line": self.line,
            "reference": self.reference,
            "outcome": self.status,
            "order_id": self.order_id,
            "detail": self.detail,
            "errors": list(self.errors),
        }


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """The request for one order: its body, and the idempotency key that makes a repeat safe."""

    line: int
    body: bytes
    key: str
    reference: str | None = None


def build_requests(entries: Iterable[Entry], batch: str) -> Iterator[SubmitRequest | SubmitResult]:
    """Build the request for each readable entry, and the result for each other entry.

    The idempotency key of an order with a reference is a hash of the reference: a changed order under the same
    reference is refused, and is no second order. Without a reference it is a hash of the order and of the number of
    equal orders before it. It does not depend on the line, so that the user may add, remove or move lines.

    Args:
        entries: the orders of the file.
        batch: the user's label. Another label makes new orders of the same file.
    """
    seen: Counter[str] = Counter()
    for entry in entries:
        if entry.error is not None:
            yield SubmitResult(entry.line, SubmitStatus.UNREADABLE, detail=entry.error, reference=entry.reference)
            continue
        if reference := entry.reference:
            origin = f"reference\n{reference}"
        else:
            content = strict_json.fingerprint(strict_json.canonical_text(_normalize_amounts(entry.document)))
            seen[content] += 1
            origin = f"{content}\n{seen[content]}"
        key = hashlib.sha256(f"{len(batch)}:{batch}\n{origin}".encode()).hexdigest()
        body = strict_json.canonical_text(entry.document).encode()
        yield SubmitRequest(entry.line, body, f"dofs-cli-{key}", reference)


def _normalize_amounts(value: Any) -> Any:
    """Return the document with one text for equal amounts: a program may write 29.90 as 29.9 when it saves a file."""
    if isinstance(value, dict):
        return {
            name: _normalize_number(member) if name in AMOUNTS and _is_number(member) else _normalize_amounts(member)
            for name, member in value.items()
        }
    return [_normalize_amounts(item) for item in value] if isinstance(value, list) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _normalize_number(number: int | Decimal) -> str:
    """Return the same text for all numbers that are equal."""
    sign, digits, exponent = Decimal(number).as_tuple()
    significant = "".join(map(str, digits)).lstrip("0")
    kept = significant.rstrip("0")
    power = int(exponent) + len(significant) - len(kept) if kept else 0
    return f"{'-' if sign and kept else ''}{kept or '0'}e{power}"


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
