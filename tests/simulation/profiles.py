"""How much goes wrong: the rates of the faults, and for how long there are any."""

from dataclasses import dataclass, field
from itertools import accumulate

MINUTE = 60_000  # milliseconds
HOUR = 60 * MINUTE

# What can befall one AWS call of ours. The weights are relative to each other.
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
ATTEMPT_FAULTS = {"raises": 2, "slow": 2, "refuses": 2}


def cumulative(weights: dict[str, int], rate: float) -> tuple[tuple[str, float], ...]:
    """The faults of one kind with the fraction up to which each is drawn."""
    total = sum(weights.values())
    ends = accumulate(weight * rate / total for weight in weights.values())
    return tuple(zip(weights, ends, strict=True))


@dataclass(frozen=True)
class Profile:
    """One kind of world. ``rate`` is the share of calls, messages, deliveries and so on that something befalls."""

    name: str
    rate: float
    faulty: int
    """Milliseconds during which there are faults; then comes calm."""
    skew: int = 0
    """Milliseconds that a clock may be wrong, either way."""
    skewed: float = 0
    """The share of invocations whose clock is wrong."""
    outages: float = 0
    """The probability of each service to be gone for minutes, twice."""
    purged: float = 0
    """The probability that somebody purges the queue, and that the dead-letter queue's messages expire."""
    stale: float = 0
    """The share of index reads that lag behind the table."""
    express: bool = False
    """Whether the workflow is of type EXPRESS: a name runs as often as it is started, and a start may run twice."""
    orders: int = 12
    tables: dict[str, tuple[tuple[str, float], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds = {
            "call": CALL_FAULTS,
            "message": MESSAGE_FAULTS,
            "delivery": DELIVERY_FAULTS,
            "task": TASK_FAULTS,
            "attempt": ATTEMPT_FAULTS,
        }
        tables = {kind: cumulative(weights, self.rate) for kind, weights in kinds.items()}
        object.__setattr__(self, "tables", tables)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("zero", rate=0, faulty=45 * MINUTE),
        Profile("default", rate=0.04, faulty=20 * MINUTE, skew=20_000, skewed=0.05, stale=0.05),
        Profile("hot", rate=0.25, faulty=20 * MINUTE, skew=300_000, skewed=0.2, stale=0.3, purged=0.2),
        Profile("express", rate=0.06, faulty=20 * MINUTE, skew=20_000, skewed=0.05, stale=0.05, express=True),
        Profile("outage", rate=0.02, faulty=60 * MINUTE, skew=5_000, skewed=0.05, outages=0.5, stale=0.05, purged=0.2),
    )
}
