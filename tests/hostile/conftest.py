import asyncio
import json
from collections.abc import Iterator

import pytest

from service.logs import JsonLines
from tests.hostile.logs import Overheard, overheard


@pytest.fixture(autouse=True)
def heard() -> Iterator[Overheard]:
    """What is logged in any test of this room: JSON objects, a line each, of which none tells what a customer sent."""
    with overheard(JsonLines()) as listening:
        yield listening
    assert all("\n" not in line and isinstance(json.loads(line), dict) for line in listening.lines)


@pytest.fixture
def event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The loop of the thread that the function runs in; Lambda's only thread has one for as long as it lives."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()
