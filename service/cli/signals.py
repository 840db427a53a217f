"""Ctrl-C during concurrent work: requests in flight may finish, and no new ones start."""

import asyncio
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from service.cli.render import Output

GRACE = 5.0  # seconds in which the requests in flight may finish


class Interruption:
    """Whether the user has pressed Ctrl-C."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def requested(self) -> bool:
        return self._event.is_set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, or return early on Ctrl-C."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._event.wait(), seconds)

    @contextmanager
    def handle(self, tasks: Collection[asyncio.Task[Any]]) -> Iterator[None]:
        """Handle Ctrl-C: cancel the unfinished tasks ``GRACE`` seconds later, or at the second Ctrl-C.

        If the event loop cannot handle signals, Ctrl-C raises KeyboardInterrupt as usual.
        """
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            for task in tuple(tasks):
                task.cancel()

        def on_sigint() -> None:
            if self.requested:
                cancel()
            else:
                self._event.set()
                Output(as_json=False).note("Waiting for the requests in flight; press Ctrl-C again to cancel them.")
                loop.call_later(GRACE, cancel)

        try:
            loop.add_signal_handler(signal.SIGINT, on_sigint)
        except (NotImplementedError, RuntimeError, ValueError):
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
