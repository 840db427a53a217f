import asyncio
import json
from collections.abc import Iterator

import pytest

from service.logs import JsonLines
from tests.hostile.logs import LogCapture, captured_logs


@pytest.fixture(autouse=True)
def logs() -> Iterator[LogCapture]:
    """The log of each test in this directory: one JSON object per line, and no customer data."""
    with captured_logs(JsonLines()) as listening:
        yield listening
    assert all("\n" not in line and isinstance(json.loads(line), dict) for line in listening.lines)


@pytest.fixture
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The event loop of the thread that the function runs in; on Lambda it lives as long as the process."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()
