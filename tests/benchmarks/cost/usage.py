"""Computes the average usage of an order, in the units that AWS charges for or limits, for one choice of settings."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from service.provisioning.function import BATCH_SIZE, MEMORY
from service.settings import Settings
from tests.benchmarks.cost.durations import recorded_durations
from tests.benchmarks.cost.execution import Execution
from tests.benchmarks.cost.meter import longest_chain
from tests.benchmarks.cost.sample import FULL, Invocation, Sample
from tests.monitoring.test_log_cost import PLATFORM

FULL_PROCESSOR = 1769  # MB at which a function has one virtual processor: lambda/latest/dg/configuration-memory.html
EXPRESS_MEMORY = 64  # MB, the minimum; an execution holds a definition of 8 KB and an order's id
EXPRESS_STEP = 0.1  # seconds to which an execution's duration is rounded up
ACCESS_LINE = 300  # bytes of API Gateway's access log for a request: docs/monitoring.md
SHARDS: int = Settings.__dataclass_fields__["status_shards"].default


@dataclass(frozen=True, slots=True)
class Choice:
    """Settings of ``terraform/variables.tf`` that change the cost."""

    workflow_type: str = "STANDARD"
    lambda_architecture: str = "x86_64"
    sqs_batch_size: int = BATCH_SIZE
    log_level: str = "INFO"
    lambda_memory_size: int = MEMORY


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Inputs of a report that depend on a machine or on AWS. Times are in seconds."""

    success_rate: float = 0.7
    """Share of attempts that succeed."""
    call: float = 0.010
    """The time from a request to AWS to its response."""
    state: float = 0.025
    """The time of Step Functions for a state, without the function's time."""
    busy: Mapping[str, float] = field(default_factory=recorded_durations)
    """Processor time of each kind of invocation."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The average usage of one order."""

    attempts: float
    invocations: dict[str, float]
    durations: dict[str, float]
    """Billed seconds of an invocation of each kind."""
    calls: Counter[str]
    row_units: float
    least_row_units: float
    index_units: float
    read_units: float
    status_writes: Counter[str]
    """Writes to the index ``by-status``, by status."""
    queue_requests: float
    function_log: float
    """Bytes of the function's log: its lines, its metrics, and Lambda's lines."""
    transitions: int
    execution: float
    """Duration of the execution in seconds."""
    execution_log: int
    """Bytes of the execution's log at the level ``ALL``."""
    row: int
    """Bytes of storage."""

    @property
    def write_units(self) -> float:
        """The write units of the table and its indexes."""
        return self.row_units + self.index_units

    @property
    def seconds(self) -> float:
        """The billed seconds of the function."""
        return sum(count * self.durations[kind] for kind, count in self.invocations.items())


def shares_by_end(success_rate: float, attempts: int) -> dict[int | None, float]:
    """Compute the share of orders that each attempt fulfills; None is the share that fails."""
    failure_rate = 1 - success_rate
    return {end: failure_rate ** (end - 1) * success_rate for end in range(1, attempts + 1)} | {
        None: failure_rate**attempts
    }


def usage(choice: Choice, assumptions: Assumptions, sample: Sample, execution: Execution) -> Usage:
    """Compute the average usage of an order over all outcomes."""
    if choice.sqs_batch_size not in (1, FULL):
        raise ValueError(f"a batch size of {choice.sqs_batch_size} was not measured; choose 1 or {FULL}")
    shares = shares_by_end(assumptions.success_rate, max(end for end in sample.orders if end))
    passed = [(shares[end], each) for end, made in sample.orders.items() for each in made]
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
    kinds = {each.kind: each for made in sample.orders.values() for each in made}
    if choice.sqs_batch_size > 1:
        kinds["batch"] = sample.batch
    durations = {kind: billed_seconds(kinds[kind], choice, assumptions) for kind in invocations}
    running = durations["validate"] + durations["store"] + assumptions.call + len(execution.states) * assumptions.state
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
        queue_requests=1 + 2 * batches,  # one send for each order; one receive and one delete for each batch
        function_log=_log(passed, sample, choice, attempts, sum(invocations.values())),
        transitions=len(execution.states),
        execution=running,
        execution_log=execution.log_bytes,
        row=sample.row,
    )


def billed_seconds(invocation: Invocation, choice: Choice, assumptions: Assumptions) -> float:
    """Compute the seconds that Lambda bills for an invocation, rounded up to a millisecond.

    They are the processor time, divided by the share of a processor that the memory size gives, and the time of waiting
    for AWS.
    """
    share = min(1.0, choice.lambda_memory_size / FULL_PROCESSOR)
    sequential_calls = 4 if invocation.kind == "reconcile" else longest_chain(invocation.calls)
    return ceil(1000 * (assumptions.busy[invocation.kind] / share + sequential_calls * assumptions.call)) / 1000


def express_gb_seconds(seconds: float) -> float:
    """Compute the billed GB-seconds of an EXPRESS execution."""
    return EXPRESS_STEP * ceil(seconds / EXPRESS_STEP - 1e-9) * EXPRESS_MEMORY / 1024


def _log(
    passed: list[tuple[float, Invocation]], sample: Sample, choice: Choice, attempts: float, invocations: float
) -> float:
    """Compute the bytes of the function's log for an order. A batch has one last line and one line of metrics."""

    def size(kind: str) -> float:
        before = sum(share * each.lines[kind] for share, each in passed if each.kind != "batch")
        if choice.sqs_batch_size > 1 and kind != "WARNING":
            return before + attempts / FULL * sample.batch.lines[kind]
        return before + sum(share * each.lines[kind] for share, each in passed if each.kind == "batch")

    if choice.log_level == "WARNING":
        return size("WARNING") + size("metrics")
    return size("INFO") + size("metrics") + len(PLATFORM) * invocations
