from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.compose.stack import Stack, require_docker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="try as many generated cases as `make fuzz` does")


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether there is time for all generated cases, and not for a part only."""
    return bool(pytestconfig.getoption("--thorough"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


COUNTED = "counted: "


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Adds to a number of cases that the summary of all tests tells, whichever process ran them."""
    return lambda what, cases: record_property(COUNTED + what, cases)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    totals: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith(COUNTED):
                totals[name.removeprefix(COUNTED)] += int(value)
    for what, cases in sorted(totals.items()):
        terminalreporter.write_line(f"{cases:6,d} {what}")


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
