"""What is counted: each metric once, with the dimensions that it has besides the deployment's environment."""

from enum import StrEnum


class Metric(StrEnum):
    """A metric by its name in CloudWatch. ``dimensions`` are the names of those that every count brings a value for."""

    dimensions: tuple[str, ...]

    def __new__(cls, name: str, *dimensions: str) -> "Metric":
        member = str.__new__(cls, name)
        member._value_ = name
        member.dimensions = dimensions
        return member

    RECONCILER_RUNS = "ReconcilerRuns"  # the reconciler's heartbeat: one for each run that came to its end
    RECONCILER_INTERVENTIONS = ("ReconcilerInterventions", "reason")
