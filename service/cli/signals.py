"""Ctrl-C in the middle of work: what is under way may end, nothing new begins."""

import asyncio
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from service.cli.render import Output

GRACE = 5.0  # seconds that requests under way have to come to an end


class Interruption:
    """Whether the user pressed Ctrl-C, once."""

    def __init__(self) -> None:
        self._pressed = asyncio.Event()

    @property
    def came(self) -> bool:
        return self._pressed.is_set()

    async def sleep(self, seconds: float) -> None:
        """Sleep, until Ctrl-C at the longest."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._pressed.wait(), seconds)

    @contextmanager
    def watching(self, tasks: Collection[asyncio.Task[Any]]) -> Iterator[None]:
        """Note a Ctrl-C, and cancel the tasks that are not done ``GRACE`` seconds later, or at the second one.

        Where the event loop cannot watch signals, Ctrl-C raises KeyboardInterrupt as it always does.
        """
        loop = asyncio.get_running_loop()

        def cancel() -> None:
            for task in tuple(tasks):
                task.cancel()

        def pressed() -> None:
            if self.came:
                cancel()
            else:
                self._pressed.set()
                Output(as_json=False).note("Finishing what is under way; Ctrl-C once more ends it at once.")
                loop.call_later(GRACE, cancel)

        try:
            loop.add_signal_handler(signal.SIGINT, pressed)
        except (NotImplementedError, RuntimeError, ValueError):
            yield
            return
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)
