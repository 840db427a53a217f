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
PATIENCE = 60_000  # milliseconds; on a busy machine, to redrive thirty orders takes twenty seconds


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Launch the machine's browser or playwright's own. Without one, skip the test, or fail it in CI."""
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

        Chromium aborts requests when a network interface appears or disappears, as with the start of a container. The
        page is then loaded again.
        """
        for _ in range(5):
            try:
                self.page.goto(f"{self.base}/console#/{where}")
                self.page.wait_for_selector("main h1", timeout=PATIENCE / 4)
                return
            except Error as error:
                if not any(NETWORK_CHANGED in text for text in (error.message, *self.complaints)):
                    raise
        raise AssertionError("network interfaces keep changing")

    def scroll_to_end(self) -> None:
        """Scroll to the end of the page's list, whose next page is then loaded.

        The key End scrolls to the end of what Chromium last drew, which on a busy machine is the page without the list.
        """
        self.page.get_by_role("button", name="Load more").scroll_into_view_if_needed()

    def expects(self, *complaints: str) -> None:
        """Expect these messages in the browser's console, which reports every error response."""
        self.expected += complaints

    def check(self) -> None:
        """Check that there were no unexpected messages and no requests to other hosts."""
        unexpected = [
            each
            for each in self.complaints
            if not any(re.search(pattern, each) for pattern in (*self.expected, NETWORK_CHANGED))
        ]
        assert unexpected == []
        assert self.foreign == []

    def listen(self) -> None:
        """Record messages and requests."""
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
    """Open a tab with a context of its own, and check its errors when it is closed."""
    context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", "locale": "en-US", **options})
    context.set_default_timeout(PATIENCE)
    try:
        visit = Visit(context.new_page(), base)
        visit.listen()
        yield visit
        visit.check()
    finally:
        context.close()
