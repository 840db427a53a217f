"""Submitting a file of orders so that running it again, whole or after an interruption, doubles nothing."""

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
from service.cli.http_api import errors_of, json_of, problem_in, said_by
from service.cli.orders_file import Entry
from service.cli.signals import Interruption
from service.orders import strict_json

AMOUNTS = frozenset({"price", "total_amount"})


class SubmitStatus(StrEnum):
    """What became of an order of the file."""

    ACCEPTED = "accepted"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    UNREADABLE = "unreadable"
    ERROR = "error"
    NOT_SENT = "not_sent"


IN = frozenset({SubmitStatus.ACCEPTED, SubmitStatus.ALREADY_THERE})


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What became of the order on one line, and why."""

    line: int
    fate: SubmitStatus
    order_id: str | None = None
    detail: str | None = None
    errors: tuple[dict[str, str], ...] = ()

    @property
    def view(self) -> dict[str, Any]:
        """The outcome as JSON."""
        told = {"line": self.line, "outcome": self.fate, "order_id": self.order_id, "detail": self.detail}
        return {**told, "errors": list(self.errors)}


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """An order as it is sent: its text, and the key that makes sending it again safe."""

    line: int
    body: bytes
    key: str


def parcels(entries: Iterable[Entry], batch: str) -> Iterator[SubmitRequest | SubmitResult]:
    """Make of each readable entry what is sent, and of each other its outcome.

    The key is made of the order, of what the file calls it, and of how many equal ones stand before it, not of its
    line, so that lines may be added, removed or moved between two runs.

    Args:
        entries: the orders of the file.
        batch: the user's label; another one makes other orders of the same file.
    """
    seen: Counter[str] = Counter()
    for entry in entries:
        if entry.error is not None:
            yield SubmitResult(entry.line, SubmitStatus.UNREADABLE, detail=entry.error)
            continue
        origin = strict_json.fingerprint(strict_json.canonical_text(_one_text_for_one_amount(entry.document)))
        if entry.label:
            origin = f"{origin}\n{entry.label}"
        seen[origin] += 1
        key = hashlib.sha256(f"{len(batch)}:{batch}\n{origin}\n{seen[origin]}".encode()).hexdigest()
        yield SubmitRequest(entry.line, strict_json.canonical_text(entry.document).encode(), f"dofs-cli-{key}")


def _one_text_for_one_amount(value: Any) -> Any:
    """The same document with 29.9 for 29.90: another program may write the same file in another way."""
    if isinstance(value, dict):
        return {
            name: _shortest(each) if name in AMOUNTS and _is_number(each) else _one_text_for_one_amount(each)
            for name, each in value.items()
        }
    return [_one_text_for_one_amount(each) for each in value] if isinstance(value, list) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _shortest(number: int | Decimal) -> str:
    """The text of a number that every equal number has."""
    sign, digits, exponent = Decimal(number).as_tuple()
    shown = "".join(map(str, digits)).lstrip("0")
    kept = shown.rstrip("0")
    return f"{'-' if sign and kept else ''}{kept or '0'}e{int(exponent) + len(shown) - len(kept) if kept else 0}"


@dataclass(slots=True)
class Sending:
    """Sends the parcels side by side and hears what becomes of each.

    ``heard`` is called with every outcome as it comes. ``stopped`` is why the rest was not sent, if it was not.
    """

    api: AsyncApi
    heard: Callable[[SubmitResult], None]
    lenient: bool = False
    stopped: CliError | None = None
    _interruption: Interruption = field(default_factory=Interruption)

    async def run(self, work: Iterable[SubmitRequest | SubmitResult], at_once: int) -> bool:
        """Send all; those that are left when it stops are heard of as not sent.

        Returns:
            Whether the user interrupted it.
        """
        queue = iter(work)
        workers = [asyncio.create_task(self._worker(queue)) for _ in range(at_once)]
        with self._interruption.watching(workers):
            for worker in asyncio.as_completed(workers):
                try:
                    await worker
                except asyncio.CancelledError:
                    if not self._interruption.came:
                        raise
        for left in queue:
            self.heard(SubmitResult(left.line, SubmitStatus.NOT_SENT) if isinstance(left, SubmitRequest) else left)
        return self._interruption.came

    async def _worker(self, queue: Iterator[SubmitRequest | SubmitResult]) -> None:
        while self.stopped is None and not self._interruption.came:
            each = next(queue, None)
            if each is None:
                return
            if isinstance(each, SubmitResult):
                self.heard(each)
                continue
            outcome = SubmitResult(each.line, SubmitStatus.NOT_SENT)
            try:
                outcome = await self._send(each)
            finally:
                self.heard(outcome)

    async def _send(self, parcel: SubmitRequest) -> SubmitResult:
        headers = {"Content-Type": "application/json", "Idempotency-Key": parcel.key}
        if self.lenient:
            headers["Prefer"] = "handling=lenient"
        endpoint = self.api.endpoint
        try:
            response = await self.api.send("POST", "/order", content=parcel.body, headers=headers)
        except httpx.TransportError as error:
            self.stopped = self.stopped or endpoint.unreachable(error)
            return SubmitResult(parcel.line, SubmitStatus.NOT_SENT)
        content = json_of(response)
        if response.status_code == 202 and isinstance(content, dict) and isinstance(content.get("order_id"), str):
            replayed = response.headers.get("idempotency-replayed") == "true"
            return SubmitResult(
                parcel.line, SubmitStatus.ALREADY_THERE if replayed else SubmitStatus.ACCEPTED, content["order_id"]
            )
        problem = problem_in(response)
        said = said_by(problem, response)
        if response.status_code in (400, 413, 415, 422):
            return SubmitResult(parcel.line, SubmitStatus.REFUSED, detail=said, errors=tuple(errors_of(problem)))
        if response.status_code == 500:  # it may be this order alone
            return SubmitResult(parcel.line, SubmitStatus.ERROR, detail=said)
        if response.is_success:
            self.stopped = self.stopped or CliError(ExitCode.API, f"{endpoint.url} does not answer as a DOFS API does.")
        else:
            self.stopped = self.stopped or endpoint.explain(response, "Submitting")
        return SubmitResult(parcel.line, SubmitStatus.NOT_SENT)
