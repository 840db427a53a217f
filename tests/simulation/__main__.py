"""``python -m tests.simulation``: run seeds, replay one, shrink failures, and check that each mutation is caught."""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.simulation.mutations import MUTATIONS, find_violation
from tests.simulation.profiles import PROFILES
from tests.simulation.regressions import Regression, read
from tests.simulation.run import Run, simulate
from tests.simulation.shrink import shrink

CHUNK = 25  # seeds in one job of a process
SHOWN = 5  # failures that are shrunk and saved; the others are only counted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 1 when an invariant is broken or a mutation is not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="run many seeds")
    running.add_argument("--seeds", type=int, default=2000, help="how many of each profile (default %(default)s)")
    running.add_argument("--first", type=int, default=0, help="the first seed (default %(default)s)")
    running.add_argument("--profile", choices=PROFILES, action="append", help="default: all")
    running.add_argument("--processes", type=int, default=os.cpu_count(), help="default: one per core")
    replaying = commands.add_parser("replay", help="run one seed or one saved file again")
    replaying.add_argument("seed", help="a seed, or a file of tests/simulation/regressions")
    replaying.add_argument("--profile", choices=PROFILES, default="default")
    replaying.add_argument("--trace", action="store_true", help="show every event with its time")
    mutating = commands.add_parser("mutations", help="break each rule, and show the invariant that catches it")
    mutating.add_argument("--keep", action="store_true", help="shrink each violation and save it as a regression file")
    options = parser.parse_args(arguments)
    match options.command:
        case "run":
            return run(options.seeds, options.first, options.profile or list(PROFILES), options.processes)
        case "replay":
            return replay(options.seed, options.profile, trace=options.trace)
        case _:
            return mutations(keep=options.keep)


def run(seeds: int, first: int, profiles: Sequence[str], processes: int) -> int:
    """Run seeds of some profiles in several processes."""
    failed = 0
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress, ProcessPoolExecutor(processes) as pool:
        for profile in profiles:
            start, broken = time.monotonic(), Counter[str]()
            bar = progress.add_task(f"{profile:8}", total=seeds)
            starts = range(first, first + seeds, CHUNK)
            chunks = [pool.submit(run_chunk, profile, each, min(each + CHUNK, first + seeds)) for each in starts]
            for chunk in as_completed(chunks):
                done, failures = chunk.result()
                progress.advance(bar, done)
                for failure in failures:
                    broken.update(failure.invariants)
                    if failed < SHOWN:
                        save_failure(failure)
                    failed += 1
            rate = seeds / (time.monotonic() - start) * 60
            counts = ", ".join(f"{name} broken {count} times" for name, count in broken.items())
            sys.stdout.write(f"{profile:8} {seeds} seeds, {rate:,.0f} a minute: {counts or 'all invariants hold'}\n")
    return 1 if failed else 0


def run_chunk(profile: str, start: int, end: int) -> tuple[int, list[Run]]:
    """Run a range of seeds; return their number and the failing runs."""
    runs = [simulate(seed, profile) for seed in range(start, end)]
    return len(runs), [each for each in runs if each.broken]


def save_failure(failure: Run) -> None:
    """Show a failing run, shrink it, and save it as a file."""
    sys.stdout.write(f"{describe(failure)}\nshrinking …\n")
    invariant = failure.invariants[0]
    small = shrink(failure, invariant)
    why = next(what for name, what in small.broken if name == invariant)
    file = Regression(failure.profile, failure.seed, invariant, why, "", list(small.events)).save()
    sys.stdout.write(
        f"{len(small.events)} of {len(failure.events)} events are enough:\n"
        + "".join(f"  {event}\n" for event in small.events)
        + f"  {invariant}: {why}\nsaved as {file.name}; repeat it with:\n"
        + f"  python -m tests.simulation replay {file.stem} --trace\n"
    )


def describe(run: Run) -> str:
    """The command that repeats a run, and the invariants that it broke."""
    head = f"seed {run.seed}, profile {run.profile}, commit {commit()}, trace {run.digest}"
    again = f"python -m tests.simulation replay {run.seed} --profile {run.profile}"
    return "\n".join([head, *(f"  {name}: {what}" for name, what in run.broken), f"  again: {again}"])


def commit() -> str:
    """The commit that is checked out; ``unknown`` without Git."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return answer.stdout.strip() or "unknown"


def replay(seed: str, profile: str, *, trace: bool) -> int:
    """Run one seed or one saved file again."""
    kept = Path(__file__).parent / "regressions" / f"{Path(seed).stem}.json"
    again = simulate(int(seed), profile) if seed.lstrip("-").isdecimal() else read(kept).replay()
    if trace:
        sys.stdout.write("".join(f"{line}\n" for line in again.lines))
    held = "" if again.broken else "\n  all invariants hold"
    sys.stdout.write(f"{describe(again)}{held}\n")
    return 1 if again.broken else 0


def mutations(*, keep: bool) -> int:
    """Break each rule on purpose, and show the invariant that catches it."""
    missed = 0
    for mutation in MUTATIONS:
        found = find_violation(mutation)
        missed += found is None
        seed = f"seed {found.seed}" if found else "NOT CAUGHT"
        sys.stdout.write(f"{mutation.name:42} {mutation.profile:8} {mutation.invariant:4} {seed}\n")
        if keep and found:
            with mutation.applied():
                small = shrink(found, mutation.invariant)
            why = next(what for name, what in small.broken if name == mutation.invariant)
            Regression(mutation.profile, found.seed, mutation.invariant, why, mutation.name, list(small.events)).save()
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
