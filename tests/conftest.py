from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, require_docker


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def images() -> None:
    """The images, built from this checkout."""
    require_docker()
    Stack("dofs-test").build()


@pytest.fixture(scope="session")
def stack(images: None) -> Iterator[Stack]:
    """The compose stack as a user starts it, for all tests that only add orders to it."""
    running = Stack("dofs-test")
    running.down()
    try:
        running.up()
        yield running
    finally:
        running.down()
