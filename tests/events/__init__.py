"""Events as AWS sends them, one file each.

``api_*`` comes from API Gateway, ``task_*`` from the workflow or the schedule, and ``sqs_*`` from the queue. The
handler refuses ``unknown_*``.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """A new copy of an event, which a test may change."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def names(prefix: str) -> list[str]:
    """The events whose names begin with a prefix."""
    return sorted(file.stem for file in FOLDER.glob(f"{prefix}*.json"))
