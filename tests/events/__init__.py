"""Events as AWS sends them, one file each.

``api_*`` comes from API Gateway, ``task_*`` from the workflow or the schedule, ``sqs_*`` from the queue; ``unknown_*``
is for nobody here.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """An event, read anew, so that a test may change it."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def names(prefix: str) -> list[str]:
    """The events whose names begin so."""
    return sorted(file.stem for file in FOLDER.glob(f"{prefix}*.json"))
