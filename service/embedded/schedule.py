"""What EventBridge's rule does: invokes the function with one event, again and again."""

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Schedule:
    """Calls a function at an interval until it is stopped."""

    def __init__(self, every: float, call: Callable[[], object]) -> None:
        self._every = every
        self._call = call
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def start(self) -> None:
        """Begin; the first call comes after one interval, in seconds."""
        self._thread.start()

    def stop(self) -> None:
        """Make no more calls; one that runs is waited for, for a second."""
        self._stopped.set()
        self._thread.join(1)

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._call()
            except Exception:
                log.exception("a scheduled call failed; the next one comes in %s s", self._every)
