"""Saved runs that broke an invariant, each in a file with the events that are needed."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import Run, simulate

FOLDER = Path(__file__).parent / "regressions"


@dataclass(frozen=True)
class Regression:
    """One saved run. ``mutation`` is the rule that was broken on purpose; empty for a real bug."""

    profile: str
    seed: int
    invariant: str
    why: str
    mutation: str
    events: list[str]

    def replay(self, *, mutated: bool = False) -> Run:
        """Run it again with its events only."""
        mutation = next((each for each in MUTATIONS if each.name == self.mutation), None)
        with mutation.applied() if mutated and mutation else nullcontext():
            return simulate(self.seed, self.profile, frozenset(self.events))

    def save(self) -> Path:
        """Write the file, and return its path."""
        name = (self.mutation or f"{self.profile}-{self.seed}").replace(" ", "-").replace("'", "").lower()
        file = FOLDER / f"{name}-{self.invariant}.json"
        FOLDER.mkdir(exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return file


def read(file: Path) -> Regression:
    """Read one file."""
    return Regression(**json.loads(file.read_text()))


def load_all() -> Iterator[tuple[str, Regression]]:
    """All saved runs, with their names."""
    for file in sorted(FOLDER.glob("*.json")):
        yield file.stem, read(file)
