"""The EventBridge rule of the embedded cloud: invokes the function at an interval."""

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
        """Start; the first call comes after one interval."""
        self._thread.start()

    def stop(self) -> None:
        """Stop calling, and wait up to a second for a running call."""
        self._stopped.set()
        self._thread.join(1)

    def _run(self) -> None:
        while not self._stopped.wait(self._every):
            try:
                self._call()
            except Exception:
                log.exception("a scheduled call failed; the next one comes in %s s", self._every)
