"""The profiles of simulated worlds: the rates of faults, and how long there are faults."""

from dataclasses import dataclass, field
from itertools import accumulate

MINUTE = 60_000  # milliseconds
HOUR = 60 * MINUTE

# The faults of one AWS call, with their relative weights
CALL_FAULTS = {
    "throttled": 4,
    "response lost": 3,
    "response lost for good": 2,
    "crash before": 2,
    "crash after": 2,
    "crash, and the request lands later": 1,
    "slow": 2,
}
MESSAGE_FAULTS = {"duplicated": 3, "delayed": 3, "dropped": 1}
DELIVERY_FAULTS = {"not invoked": 3, "not deleted": 3}
TASK_FAULTS = {"throttled": 3, "answer lost": 3, "invoked twice": 2, "aborted by hand": 1}
ATTEMPT_FAULTS = {"lost": 2, "answer lost": 3, "arrives later": 1, "not taken": 1, "slow": 2, "refuses": 2}
LOOK_FAULTS = {"lost": 2, "slow": 1}
CALLBACK_FAULTS = {"lost": 3, "doubled": 3, "delayed": 4, "forged": 1}
CANCELLATION_FAULTS = {"lost": 2, "answer lost": 2, "slow": 1}


def cumulative(weights: dict[str, int], rate: float) -> tuple[tuple[str, float], ...]:
    """The faults of one kind, each with the upper end of its range of random numbers."""
    total = sum(weights.values())
    ends = accumulate(weight * rate / total for weight in weights.values())
    return tuple(zip(weights, ends, strict=True))


@dataclass(frozen=True)
class Profile:
    """One kind of world. ``rate`` is the share of calls, messages, deliveries, tasks and attempts that have a fault."""

    name: str
    rate: float
    faults_until: int
    """The time of the last fault, in milliseconds."""
    skew: int = 0
    """The largest error of a clock, in milliseconds, in both directions."""
    skewed: float = 0
    """The share of invocations with a wrong clock."""
    outages: float = 0
    """The probability of an outage of some minutes, for each service and each of two outages."""
    purged: float = 0
    """The probability that the queue and the dead-letter queue are purged."""
    poisoned: float = 0
    """The share of orders that kill every process that asks the warehouse for them."""
    stale: float = 0
    """The share of index reads that lag behind the table."""
    closed: tuple[int, int] | None = None
    """When the warehouse takes nothing: begin and end."""
    express: bool = False
    """Whether the workflow is EXPRESS: a name can run more than once, and one start can run twice."""
    accepts: float = 0
    """The share of deliveries that the warehouse accepts, and ships later in parcels; 0 if it decides at once."""
    silent: float = 0
    """The probability that the warehouse never calls back."""
    breach: float = 0
    """The share of ended deliveries under which the warehouse ships all the same."""
    unreliable: float = 0
    """The share of the warehouse's events that have a fault."""
    orders: int = 12
    tables: dict[str, tuple[tuple[str, float], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {
            "call": CALL_FAULTS,
            "message": MESSAGE_FAULTS,
            "delivery": DELIVERY_FAULTS,
            "task": TASK_FAULTS,
            "attempt": ATTEMPT_FAULTS,
            "look": LOOK_FAULTS,
            "cancellation": CANCELLATION_FAULTS,
        }
        tables = {kind: cumulative(weights, self.rate) for kind, weights in kinds.items()}
        tables["callback"] = cumulative(CALLBACK_FAULTS, self.unreliable)
        object.__setattr__(self, "tables", tables)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("zero", rate=0, faults_until=45 * MINUTE),
        Profile("closed", rate=0, faults_until=75 * MINUTE, closed=(2 * MINUTE, 62 * MINUTE)),
        Profile("default", rate=0.04, faults_until=20 * MINUTE, skew=20_000, skewed=0.05, poisoned=0.05, stale=0.05),
        Profile(
            "hot",
            rate=0.25,
            faults_until=20 * MINUTE,
            skew=300_000,
            skewed=0.2,
            purged=0.2,
            poisoned=0.05,
            stale=0.3,
        ),
        Profile(
            "express",
            rate=0.06,
            faults_until=20 * MINUTE,
            skew=20_000,
            skewed=0.05,
            poisoned=0.05,
            stale=0.05,
            express=True,
        ),
        Profile(
            "outage",
            rate=0.02,
            faults_until=60 * MINUTE,
            skew=5_000,
            skewed=0.05,
            outages=0.5,
            purged=0.2,
            poisoned=0.05,
            stale=0.05,
        ),
        Profile(
            "warehouse",
            rate=0.05,
            faults_until=60 * MINUTE,
            skew=20_000,
            skewed=0.05,
            stale=0.05,
            accepts=0.6,
            silent=0.2,
            breach=0.15,
            unreliable=0.4,
            orders=8,
        ),
    )
}
