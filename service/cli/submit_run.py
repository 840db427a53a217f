"""One run of ``dofs submit``: its results and how it ended."""

from collections import Counter
from dataclasses import dataclass, field
from typing import IO

from service.cli import render
from service.cli.context import CommandContext
from service.cli.errors import CliError
from service.cli.polling import TrackedOrders
from service.cli.submit_results import SubmitResult, SubmitStatus


@dataclass(slots=True)
class SubmitRun:
    """The state of a run.

    Attributes:
        context: the options of the command line, and its output.
        orders: the number of orders of the file.
        batch: the user's label.
        dry_run: whether the orders are checked only.
        report: the file that gets each result.
        results: the results so far.
        tracked: the orders whose terminal states were awaited.
        error: the error that stopped the submission.
        interrupted: whether the user has interrupted it.
    """

    context: CommandContext
    orders: int
    batch: str = ""
    dry_run: bool = False
    report: IO[str] | None = None
    results: list[SubmitResult] = field(default_factory=list)
    tracked: TrackedOrders | None = None
    error: CliError | None = None
    interrupted: bool = False

    def add_result(self, result: SubmitResult) -> None:
        """Store a result, and write it to the report at once."""
        self.results.append(result)
        if self.report is not None:
            self.report.write(render.to_json(result.to_json()) + "\n")
            self.report.flush()

    @property
    def counts(self) -> Counter[SubmitStatus]:
        """The number of results with each status."""
        return Counter(result.status for result in self.results)
