"""A check: one sentence of the contract, and the test of it."""

from collections.abc import Callable
from dataclasses import dataclass

from service.warehouses.conformance.results import Doubtful, NotSeen, Result, Verdict, Wrong
from service.warehouses.conformance.run import Run


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Args:
        id: its id.
        sentence: what the contract says.
        test: returns if the warehouse keeps the sentence. It raises ``Wrong``, ``Doubtful`` or ``NotSeen`` otherwise.
    """

    id: str
    sentence: str
    test: Callable[[Run], None]

    def run(self, run: Run) -> Result:
        """Run the test."""
        try:
            self.test(run)
        except Wrong as error:
            return Result(self.id, self.sentence, Verdict.WRONG, str(error))
        except Doubtful as error:
            return Result(self.id, self.sentence, Verdict.WARNING, str(error))
        except NotSeen as error:
            return Result(self.id, self.sentence, Verdict.NOT_SEEN, str(error))
        return Result(self.id, self.sentence, Verdict.RIGHT)
