import gc
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.compose.stack import Stack, require_docker, running_stack


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="try as many generated cases as `make fuzz`")


gc.disable()  # until the tests are collected: what is imported stays


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Enable garbage collection without what was imported. To search that took a fifth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def thorough(pytestconfig: pytest.Config) -> bool:
    """Whether to try all generated cases, and not only a part of them."""
    return bool(pytestconfig.getoption("--thorough"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


COUNTED = "counted: "


@pytest.fixture
def counted(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Adds to a number of cases that the summary of the run shows, also for tests in other processes."""
    return lambda what, cases: record_property(COUNTED + what, cases)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the numbers of ``counted``, and the tests and seconds of each layer: CONTRIBUTING.md has its budget."""
    totals: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith(COUNTED):
                totals[name.removeprefix(COUNTED)] += int(value)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                layer = "/".join(report.nodeid.split("/")[:2])
                seconds[layer] += report.duration
                tests[layer] += report.when == "call"
    for what, cases in sorted(totals.items()):
        terminalreporter.write_line(f"{cases:6,d} {what}")
    for layer, took in seconds.most_common():
        terminalreporter.write_line(f"{took:6,.0f} s in {tests[layer]:5,d} tests of {layer}")


@pytest.fixture(scope="session")
def images() -> None:
    """The images, built from this checkout."""
    require_docker()
    Stack("dofs-test").build()


@pytest.fixture(scope="session")
def stack(images: None) -> Iterator[Stack]:
    """The compose stack for all tests that only add orders to it.

    Its timeouts are longer than the defaults of compose, because a call takes longer on a busy machine. The reconciler
    looks too late to hide that a callback of the warehouse had no effect.
    """
    durations = {"DOFS_FUNCTION_TIMEOUT": "15", "DOFS_VISIBILITY_TIMEOUT": "90", "DOFS_LOOK_AFTER": "3600"}
    with running_stack("dofs-test", **durations) as found:
        yield found
