"""Injects one fault into one call of a run: of AWS, or of the warehouse.

The injector handles botocore's ``before-send`` event, as moto does. Everything above it, botocore's retries included,
is the code that runs on AWS.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.polling import PATIENCE

T = TypeVar("T")

LATENCY = 5.0  # seconds from the end of the invocation until a call that hung takes effect


class Fault(StrEnum):
    """What goes wrong with a call."""

    THROTTLED_ONCE = "throttled-once"
    THROTTLED = "throttled-for-good"
    LOST_ONCE = "answer-lost-once"
    LOST = "answer-lost-for-good"
    CRASH_BEFORE = "crash-before"
    CRASH_AFTER = "crash-after"
    TOO_LATE = "too-late"
    """The call hangs until Lambda ends the invocation. It takes effect ``LATENCY`` seconds after that."""
    FROZEN = "frozen"
    """The invocation answers before the call is sent. Lambda freezes the thread, and the thread sends the call during
    the next invocation of the same process."""
    NOT_SENT = "not-sent"
    """The request raises before the warehouse has it."""
    LATE = "no-answer-and-arrives-late"
    """The request has no answer in time, and takes effect when the order has gone on."""
    MALFORMED = "answer-malformed"
    NOT_TAKEN = "not-taken"
    """The warehouse answers 429 or 503."""
    OTHER_ITEMS = "other-items"
    """The warehouse answers 409 to a request to ship."""
    ACCEPTED = "accepted"
    """The warehouse has worked already, but answers that it works on the request."""
    DECLINED = "declined"
    REFUSED = "refused"


ABSORBED = frozenset({Fault.THROTTLED_ONCE, Fault.LOST_ONCE})
"""Faults that botocore's retries hide from the caller."""

AWS_CALLERS = {"workflow", "mapping"}
"""Step Functions and the event source mapping also make calls. They do not crash, and have their own retries."""
AWS_FAULTS = frozenset({Fault.THROTTLED, Fault.LOST_ONCE, Fault.LOST, Fault.TOO_LATE})

CRASHES = frozenset({Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TOO_LATE, Fault.FROZEN})
"""Faults of the process that makes the call."""
UNCLEAR = CRASHES | {Fault.LOST, Fault.NOT_SENT, Fault.LATE, Fault.MALFORMED, Fault.ACCEPTED}
"""Faults of a request to the warehouse whose effect the system does not know."""
WAREHOUSE_FAULTS = {
    "ask": UNCLEAR | {Fault.NOT_TAKEN, Fault.OTHER_ITEMS, Fault.DECLINED, Fault.REFUSED},
    "look": (UNCLEAR | {Fault.NOT_TAKEN}) - {Fault.LATE, Fault.TOO_LATE, Fault.CRASH_AFTER},
    "cancel": UNCLEAR,
}
"""The faults of each call of the warehouse. A look has no effect, so that it cannot have one late."""
AWS_ONES = CRASHES | {Fault.THROTTLED_ONCE, Fault.THROTTLED, Fault.LOST_ONCE, Fault.LOST}

READS = {"GetItem", "BatchGetItem", "Query"}
THROTTLED = {
    "dynamodb": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
    "sqs": "com.amazonaws.sqs#RequestThrottled",
    "sfn": "com.amazonaws.swf.service.v2.model#ThrottlingException",
}


class Killed(BaseException):
    """The process was killed. It is no ``Exception``, so that no handler of the service catches it."""


class Invocation:
    """One process that makes calls: an invocation of the function, or an AWS service."""

    def __init__(self, by: str, seconds: float) -> None:
        self.by = by
        self.seconds = seconds
        self.killed = False
        self.took = 0.02

    def kill(self) -> Killed:
        self.killed = True
        return Killed(self.by)

    def get_remaining_time_in_millis(self) -> int:
        """The method of the same name of a Lambda context. The time is virtual: a slow machine must not use it up."""
        return 0 if self.killed else PATIENCE * 1000


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS API, including botocore's retries of it; or of the warehouse, in lower case."""

    by: str
    operation: str

    def __str__(self) -> str:
        return f"{self.operation} by {self.by}"

    def may_have(self, fault: Fault) -> bool:
        """Whether the fault is possible, and has an effect that no other fault of this call has."""
        if self.is_to_warehouse and fault not in WAREHOUSE_FAULTS[self.operation]:
            return False
        if not self.is_to_warehouse and fault not in AWS_ONES:
            return False
        if fault is Fault.FROZEN:
            return self.by == "fulfill"  # only fulfillment leaves threads behind when it answers
        if fault in ABSORBED and self.has_one_try:
            return False  # the first failure is the last
        if fault is Fault.THROTTLED and self.operation in READS:
            return False  # a read whose answer is lost has the same effect
        return fault in AWS_FAULTS or self.by not in AWS_CALLERS

    @property
    def is_to_warehouse(self) -> bool:
        """Whether the call is one of the warehouse, and not of AWS."""
        return self.operation in WAREHOUSE_FAULTS

    @property
    def has_one_try(self) -> bool:
        """Whether botocore does not retry the call."""
        return self.operation == "StartExecution"

    def absorbs(self, fault: Fault) -> bool:
        """Whether botocore's retries hide the fault.

        A lost receive has an effect: the message is in flight. A repeated write of the brake counts a refusal twice.
        """
        visible = ("mapping", "ReceiveMessage"), ("fulfill", "PutItem")
        return fault in ABSORBED and (self.by, self.operation) not in visible


class FaultInjector:
    """Sends the calls of one run to moto, records them, and makes one of them fail.

    A call outside of an invocation is one of the test itself: it is sent, and not recorded.
    """

    def __init__(self, call_later: Callable[[float, Callable[[], Any]], None]) -> None:
        self.call_later = call_later
        self.invocation: Invocation | None = None
        self.begin(None, lambda: None)

    def begin(self, target: tuple[int, Fault] | None, watch: Callable[[], None]) -> None:
        """Begin a new run.

        Args:
            target: the number of the call that fails, and its fault; None for a run without a fault.
            watch: called after each call that took effect.
        """
        self.calls: list[Call] = []
        self.effective: set[int] = set()
        """The numbers of the calls that took effect."""
        self.tries = 0
        self._target = target
        self._watch = watch
        self._frozen: tuple[Invocation, Callable[[], Any]] | None = None
        self._numbers: dict[str, int] = {}

    def attach(self, client: Any) -> None:
        """Handle the requests of a client instead of moto."""
        client.meta.events.unregister("before-send", botocore_stubber)
        client.meta.events.register("before-send", self._send)

    def count(self, by: str, operation: str) -> int:
        """How many calls of a kind took effect."""
        return sum(self.calls[number] == Call(by, operation) for number in self.effective)

    def _send(self, request: Any, event_name: str, **_: Any) -> AWSResponse:
        if self.invocation is None:
            return _send_to_moto(request, event_name)
        if self.invocation.killed:
            raise Killed(self.invocation.by)
        header = request.headers["amz-sdk-invocation-id"]
        number = self._numbers.setdefault(header, len(self._numbers))
        if number == len(self.calls):
            self.calls.append(Call(self.invocation.by, event_name.rpartition(".")[2]))
        if self._target is not None and number == self._target[0]:
            self.tries += 1
            return self._fail(self._target[1], number, self.invocation, request, event_name)
        answer = self._take_effect(number, request, event_name)
        self._thaw(self.invocation)
        return answer

    def call_warehouse(self, operation: str, work: Callable[[], T], answer: Callable[[Fault, Callable[[], T]], T]) -> T:
        """Call the warehouse.

        Args:
            operation: the method of the port.
            work: does what was asked for, and returns the answer.
            answer: returns or raises the answer of a call with a fault, and does the work if the fault admits that.
        """
        invocation = self.invocation
        if invocation is None:
            return work()
        if invocation.killed:
            raise Killed(invocation.by)
        number = len(self._numbers)
        self._numbers[f"{operation} {number}"] = number
        self.calls.append(Call(invocation.by, operation))

        def take_effect() -> T:
            self.effective.add(number)
            return work()

        if self._target is None or number != self._target[0]:
            result = take_effect()
            self._thaw(invocation)
            return result
        self.tries += 1
        fault = self._target[1]
        if fault in CRASHES:
            raise self._crash(fault, invocation, take_effect)
        return answer(fault, take_effect)

    def _thaw(self, invocation: Invocation) -> None:
        if self._frozen and invocation.by == self._frozen[0].by:
            thaw, self._frozen = self._frozen[1], None
            thaw()

    def _take_effect(self, number: int, request: Any, event_name: str) -> AWSResponse:
        self.effective.add(number)
        answer = _send_to_moto(request, event_name)
        self._watch()
        return answer

    def _crash(self, fault: Fault, invocation: Invocation, take_effect: Callable[[], Any]) -> Killed:
        if fault is Fault.CRASH_AFTER:
            take_effect()
        if fault is Fault.TOO_LATE:
            invocation.took = invocation.seconds
            self.call_later(invocation.seconds + LATENCY, take_effect)
        if fault is Fault.FROZEN:
            invocation.took = invocation.seconds
            self._frozen = invocation, take_effect
        return invocation.kill()

    def _fail(self, fault: Fault, number: int, invocation: Invocation, request: Any, event_name: str) -> AWSResponse:
        if fault in CRASHES:
            raise self._crash(fault, invocation, lambda: self._take_effect(number, request, event_name))
        match fault:
            case Fault.THROTTLED_ONCE | Fault.THROTTLED if fault is Fault.THROTTLED or self.tries == 1:
                return _throttled(request, event_name)
            case Fault.LOST_ONCE if self.tries == 1:
                self._take_effect(number, request, event_name)
                raise ConnectionClosedError(endpoint_url=request.url)
            case Fault.LOST:
                self._take_effect(number, request, event_name)
                raise ReadTimeoutError(endpoint_url=request.url)
        return self._take_effect(number, request, event_name)


def _send_to_moto(request: Any, event_name: str) -> AWSResponse:
    answer = botocore_stubber(event_name, request)
    assert answer is not None, f"moto has no answer for {request.url}"
    return answer


def _throttled(request: Any, event_name: str) -> AWSResponse:
    code = THROTTLED[event_name.split(".")[1]]
    body = json.dumps({"__type": code, "message": "Rate exceeded"})
    headers = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse(request.url, 400, headers, MockRawResponse(body))
