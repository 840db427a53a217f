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
    """The compose stack for all tests that only add orders to it.

    Its visibility timeout is longer than a user's: on a slow machine a batch can wait for a free container for longer
    than that, and a receive is then spent without an attempt, which the reconciler would have to mend.
    """
    running = Stack("dofs-test", DOFS_VISIBILITY_TIMEOUT="20")
    running.down()
    try:
        running.up()
        yield running
    finally:
        running.down()
