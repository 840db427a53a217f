"""What an order takes of each thing that AWS charges for, or limits, under one choice of settings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from service.provisioning.function import BATCH_SIZE, MEMORY
from service.settings import Settings
from tests.benchmarks.cost.durations import recorded_durations
from tests.benchmarks.cost.execution import Execution
from tests.benchmarks.cost.measured import FULL, Invocation, Sample
from tests.benchmarks.cost.meter import longest_chain
from tests.monitoring.test_log_cost import PLATFORM

FULL_PROCESSOR = 1769  # MB at which a function has one virtual processor: lambda/latest/dg/configuration-memory.html
EXPRESS_MEMORY = 64  # MB, the least; an execution of ours holds a definition of 8 KB and an order's id
EXPRESS_STEP = 0.1  # seconds to which an execution's duration is rounded up
ACCESS_LINE = 300  # bytes of API Gateway's access log for a request: docs/monitoring.md
SHARDS: int = Settings.__dataclass_fields__["status_shards"].default


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings of ``terraform/variables.tf`` that move the price."""

    workflow_type: str = "STANDARD"
    lambda_architecture: str = "x86_64"
    sqs_batch_size: int = BATCH_SIZE
    log_level: str = "INFO"
    lambda_memory_size: int = MEMORY


@dataclass(frozen=True, slots=True)
class Assumed:
    """Values that a report takes from outside, because they depend on a machine or on AWS. Times are in seconds."""

    success_rate: float = 0.7
    """Share of attempts that succeed."""
    call: float = 0.010
    """From a request to AWS to its answer."""
    state: float = 0.025
    """That Step Functions takes for a state, beside what the function takes."""
    busy: Mapping[str, float] = field(default_factory=recorded_durations)
    """Processor time of each kind of invocation."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one order takes, on average."""

    attempts: float
    invocations: dict[str, float]
    durations: dict[str, float]
    """Seconds that an invocation of each kind is billed for."""
    calls: Counter[str]
    row_units: float
    least_row_units: float
    index_units: float
    read_units: float
    status_writes: Counter[str]
    """Writes to the index ``by-status``, by status."""
    queue_requests: float
    function_log: float
    """Bytes of the function's log: lines about orders, metrics, and Lambda's own."""
    transitions: int
    execution: float
    """Seconds that the execution takes."""
    execution_log: int
    """Bytes that Step Functions writes of it at the level ``ALL``."""
    row: int
    """Bytes that it takes while it is kept."""

    @property
    def write_units(self) -> float:
        """Write units of the table and its indexes."""
        return self.row_units + self.index_units

    @property
    def seconds(self) -> float:
        """Seconds that the function runs for it."""
        return sum(count * self.durations[kind] for kind, count in self.invocations.items())


def ends(success_rate: float, attempts: int) -> dict[int | None, float]:
    """Which share of the orders is fulfilled by which attempt; None for those that fail."""
    failing = 1 - success_rate
    return {end: failing ** (end - 1) * success_rate for end in range(1, attempts + 1)} | {None: failing**attempts}


def usage(choice: Choice, assumed: Assumed, sample: Sample, execution: Execution) -> Usage:
    """What an order takes, on average over its ends."""
    if choice.sqs_batch_size not in (1, FULL):
        raise ValueError(f"batches of 1 and of {FULL} were measured, and none of {choice.sqs_batch_size}")
    shares = ends(assumed.success_rate, max(end for end in sample.ends if end))
    passed = [(shares[end], each) for end, made in sample.ends.items() for each in made]
    charges = [(share, charge) for share, each in passed for call in each.calls for charge in call.charges]
    attempts = sum(share for share, each in passed if each.kind == "batch")
    batches = attempts / choice.sqs_batch_size
    calls, statuses = Counter[str](), Counter[str]()
    for share, each in passed:
        for call in each.calls:
            calls[call.name] += share
    for share, charge in charges:
        for (index, key), writes in charge.indexed.items():
            if index == "by-status":
                statuses[key.partition("#")[0]] += share * writes
    invocations = {"api": 1.0, "validate": 1.0, "store": 1.0, "batch": batches}
    kinds = {each.kind: each for made in sample.ends.values() for each in made}
    if choice.sqs_batch_size > 1:
        kinds["batch"] = sample.batch
    durations = {kind: billed(kinds[kind], choice, assumed) for kind in invocations}
    running = durations["validate"] + durations["store"] + assumed.call + len(execution.states) * assumed.state
    return Usage(
        attempts=attempts,
        invocations=invocations,
        durations=durations,
        calls=calls,
        row_units=sum(share * charge.row for share, charge in charges),
        least_row_units=sum(share * charge.least for share, charge in charges),
        index_units=sum(share * charge.index for share, charge in charges),
        read_units=sum(share * charge.read for share, charge in charges),
        status_writes=statuses,
        queue_requests=1 + 2 * batches,  # it is sent; a batch is received, and what is done of it is deleted
        function_log=_log(passed, sample, choice, attempts, sum(invocations.values())),
        transitions=len(execution.states),
        execution=running,
        execution_log=execution.log_bytes,
        row=sample.row,
    )


def billed(invocation: Invocation, choice: Choice, assumed: Assumed) -> float:
    """Seconds that Lambda bills for an invocation: it rounds up to a millisecond.

    Its processor time is stretched by the share of a processor that its memory gives it. The time that it waits for AWS
    is added.
    """
    share = min(1.0, choice.lambda_memory_size / FULL_PROCESSOR)
    side_by_side = 4 if invocation.kind == "reconcile" else longest_chain(invocation.calls)
    return ceil(1000 * (assumed.busy[invocation.kind] / share + side_by_side * assumed.call)) / 1000


def express_billed(seconds: float) -> float:
    """GB-seconds that an EXPRESS execution is billed for."""
    return EXPRESS_STEP * ceil(seconds / EXPRESS_STEP - 1e-9) * EXPRESS_MEMORY / 1024


def _log(
    passed: list[tuple[float, Invocation]], sample: Sample, choice: Choice, attempts: float, invocations: float
) -> float:
    """Bytes of the function's log for an order; a batch shares its last line and its metrics."""

    def written(what: str) -> float:
        before = sum(share * each.lines[what] for share, each in passed if each.kind != "batch")
        if choice.sqs_batch_size > 1 and what != "WARNING":
            return before + attempts / FULL * sample.batch.lines[what]
        return before + sum(share * each.lines[what] for share, each in passed if each.kind == "batch")

    if choice.log_level == "WARNING":
        return written("WARNING") + written("metrics")
    return written("INFO") + written("metrics") + len(PLATFORM) * invocations
