"""The recorded processor time of each kind of invocation, in seconds.

Lambda bills by time, and time depends on the machine. The reports therefore use the recorded seconds: every machine
then prints the same dollars, and a test can compare docs/cost.md with them exactly.
"""

import json
from collections.abc import Mapping
from pathlib import Path

RECORDED = Path(__file__).with_name("durations.json")


def recorded_durations() -> dict[str, float]:
    """Read the recorded seconds, by kind of invocation."""
    found: dict[str, float] = json.loads(RECORDED.read_text())
    return found


def record_durations(seconds: Mapping[str, float]) -> None:
    """Record measured seconds in place of the recorded ones."""
    rounded = {kind: round(each, 4) for kind, each in sorted(seconds.items())}
    RECORDED.write_text(json.dumps(rounded, indent=1) + "\n")
