from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browsing import PATIENCE, Visit, running_browser, visiting

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for each file."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def open_console(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open the console that a base URL serves, with options of a browser's context."""
    with ExitStack() as visits:
        yield lambda base, **options: visits.enter_context(visiting(browser, base, **options))
