import asyncio

import pytest

from tests.api.client import Api
from tests.api.proxy import Gateway


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def event_loop():
    """The event loop of the function's thread. Lambda's main thread keeps one for its lifetime."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def gateway(event_loop):
    return Gateway()
