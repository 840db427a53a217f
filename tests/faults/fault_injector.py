"""The injector between botocore and moto, on which one call of a run goes wrong in one way.

It stands where moto stands, as a handler of botocore's event ``before-send``: everything above it, botocore's own
retries included, is what runs on AWS.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

LATENCY = 5.0  # seconds that a call takes longer than its invocation may


class Fault(StrEnum):
    """What can befall one call."""

    THROTTLED_ONCE = "throttled-once"
    THROTTLED = "throttled-for-good"
    LOST_ONCE = "answer-lost-once"
    LOST = "answer-lost-for-good"
    CRASH_BEFORE = "crash-before"
    CRASH_AFTER = "crash-after"
    TOO_LATE = "too-late"
    """It hangs; Lambda cuts the invocation off, and the call is carried out ``LATENCY`` after that."""
    FROZEN = "frozen"
    """The invocation answers without waiting for it any longer. Lambda freezes the thread, which makes the call when
    the next invocation is at work in the same process."""


ABSORBED = frozenset({Fault.THROTTLED_ONCE, Fault.LOST_ONCE})
"""Those that botocore's retries make good, so that nobody above may notice them."""

PARTS_OF_AWS = {"workflow", "mapping"}
"""Step Functions and the event source mapping make calls too, and those fail; but they are no processes of ours that
crash, and how they retry is their own affair."""
OF_AWS = frozenset({Fault.THROTTLED, Fault.LOST_ONCE, Fault.LOST, Fault.TOO_LATE})

READS = {"GetItem", "BatchGetItem", "Query"}
THROTTLED = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "sqs": "com.amazonaws.sqs#RequestThrottled",
    "sfn": "com.amazonaws.swf.service.v2.model#ThrottlingException",
}


class Killed(BaseException):
    """The process is gone: no handler for exceptions may act on it."""


class Invocation:
    """One process that makes calls: an invocation of the function, or a part of AWS at its work."""

    def __init__(self, by: str, seconds: float) -> None:
        self.by = by
        self.seconds = seconds
        self.killed = False
        self.took = 0.02

    def kill(self) -> Killed:
        self.killed = True
        return Killed(self.by)

    def get_remaining_time_in_millis(self) -> int:
        """As a Lambda context says it."""
        return 0 if self.killed else int(self.seconds * 1000)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS API, whatever number of tries botocore makes of it."""

    by: str
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} by {self.by}"

    def may_have(self, fault: Fault) -> bool:
        """Whether a fault can befall it, and comes to something that no other of its faults does."""
        if fault is Fault.FROZEN:
            return self.by == "fulfill"  # it alone leaves threads behind when it answers
        if fault is Fault.THROTTLED and self.operation in READS:
            return False  # a read that is carried out and whose answer is lost leaves nothing more behind
        return fault in OF_AWS or self.by not in PARTS_OF_AWS

    def absorbs(self, fault: Fault) -> bool:
        """Whether nobody can notice a fault of it. A receive is spent, even if the next try brings an answer."""
        return fault in ABSORBED and (self.by, self.operation) != ("mapping", "ReceiveMessage")


class FaultInjector:
    """Carries the calls of one run to moto and counts them, and strikes one.

    A call that no invocation makes is the test's own; it is carried, and not counted.
    """

    def __init__(self, later: Callable[[float, Callable[[], Any]], None]) -> None:
        self.later = later
        """Does something when so many seconds have passed."""
        self.invocation: Invocation | None = None
        self.begin(None, lambda: None)

    def begin(self, strike: tuple[int, Fault] | None, watch: Callable[[], None]) -> None:
        """Forget the calls so far.

        Args:
            strike: the number of the call that will have a fault, and which.
            watch: looks at what each call leaves behind.
        """
        self.calls: list[Call] = []
        self.carried: set[int] = set()
        self.tries = 0
        self._strike = strike
        self._watch = watch
        self._frozen: tuple[Invocation, Callable[[], Any]] | None = None
        self._numbers: dict[str, int] = {}

    def attach(self, client: Any) -> None:
        """Stand between a client and moto."""
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send", self._send)

    def made(self, by: str, operation: str) -> int:
        """How many calls of a kind were carried out."""
        return sum(self.calls[number] == Call(by, operation) for number in self.carried)

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        if self.invocation is None:
            return _carry(request, event_name)
        if self.invocation.killed:
            raise Killed(self.invocation.by)
        header = request.headers["amz-sdk-invocation-id"]
        number = self._numbers.setdefault(header, len(self._numbers))
        if number == len(self.calls):
            self.calls.append(Call(self.invocation.by, event_name.rpartition(".")[2]))
        if self._strike is not None and number == self._strike[0]:
            self.tries += 1
            return self._struck(self._strike[1], number, self.invocation, request, event_name)
        answer = self._carried(number, request, event_name)
        if self._frozen and self.invocation.by == self._frozen[0].by:
            thawed, self._frozen = self._frozen[1], None
            thawed()
        return answer

    def _carried(self, number: int, request: Any, event_name: str) -> AWSResponse:
        self.carried.add(number)
        answer = _carry(request, event_name)
        self._watch()
        return answer

    def _struck(self, fault: Fault, number: int, invocation: Invocation, request: Any, event_name: str) -> AWSResponse:
        match fault:
            case Fault.THROTTLED_ONCE | Fault.THROTTLED if fault is Fault.THROTTLED or self.tries == 1:
                return _throttled(request, event_name)
            case Fault.LOST_ONCE if self.tries == 1:
                self._carried(number, request, event_name)
                raise ConnectionClosedError(endpoint_url=request.url)
            case Fault.LOST:
                self._carried(number, request, event_name)
                raise ReadTimeoutError(endpoint_url=request.url)
            case Fault.CRASH_BEFORE:
                raise invocation.kill()
            case Fault.CRASH_AFTER:
                self._carried(number, request, event_name)
                raise invocation.kill()
            case Fault.TOO_LATE:
                invocation.took = invocation.seconds
                self.later(invocation.seconds + LATENCY, lambda: self._carried(number, request, event_name))
                raise invocation.kill()
            case Fault.FROZEN:
                invocation.took = invocation.seconds
                self._frozen = invocation, lambda: self._carried(number, request, event_name)
                raise invocation.kill()
        return self._carried(number, request, event_name)


def _carry(request: Any, event_name: str) -> AWSResponse:
    answer = botocore_stubber(event_name, request)
    assert answer is not None, f"moto has no answer for {request.url}"
    return answer


def _throttled(request: Any, event_name: str) -> AWSResponse:
    code = THROTTLED[event_name.split(".")[1]]
    body = json.dumps({"__type": code, "message": "Rate exceeded"})
    headers = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, 400, headers, MockRawResponse(body))
