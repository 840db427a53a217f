"""A browser for the console's tests, and pages that record their errors."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Playwright, Request, sync_playwright

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 740}
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
PATIENCE = 20_000  # milliseconds; only a failing test waits so long


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A browser of this machine, or playwright's own; without either, the test is skipped, but fails in CI."""
    with sync_playwright() as playwright:
        browser = _launched(playwright)
        try:
            yield browser
        finally:
            browser.close()


def _launched(playwright: Playwright) -> Browser:
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    try:
        return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
    except Error as error:
        if path:
            raise
        missing = f"there is no browser: {error.message.splitlines()[0]}"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@dataclass
class Visit:
    """A tab with the console in it."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def go(self, where: str) -> None:
        """Open a section by its link.

        Chromium breaks requests off when an interface comes or goes on this machine, as with every container that
        starts; a page that met that is loaded again.
        """
        for _ in range(5):
            try:
                self.page.goto(f"{self.base}/console#/{where}")
                self.page.wait_for_selector("main h1", timeout=PATIENCE / 4)
                return
            except Error as error:
                if not any(NETWORK_CHANGED in text for text in (error.message, *self.complaints)):
                    raise
        raise AssertionError("the network does not stop changing")

    def expects(self, *complaints: str) -> None:
        """Name what the browser will say of itself in this test: it tells of every answer that is an error."""
        self.expected += complaints

    def check(self) -> None:
        """Nothing was complained of that the test had not expected, and nobody else was asked for anything."""
        unexpected = [
            each
            for each in self.complaints
            if not any(re.search(pattern, each) for pattern in (*self.expected, NETWORK_CHANGED))
        ]
        assert unexpected == []
        assert self.foreign == []

    def listen(self) -> None:
        """Remember complaints and requests from now on."""
        self.page.on("console", self._complaint)
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        self.page.on("request", self._request)

    def _complaint(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.text} {message.location.get('url', '')}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.base).netloc:
            self.foreign.append(request.url)


@contextmanager
def visiting(browser: Browser, base: str, **options: object) -> Iterator[Visit]:
    """A tab of its own, with nothing of other tests in it; what went wrong in it is checked when it is closed."""
    context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en-US", **options})
    context.set_default_timeout(PATIENCE)
    try:
        visit = Visit(context.new_page(), base)
        visit.listen()
        yield visit
        visit.check()
    finally:
        context.close()
