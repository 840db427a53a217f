"""The documentation works under the policy that it is sent with: Chromium refuses nothing of it."""

import pytest
from playwright.sync_api import expect

from tests.api.client import Api
from tests.browser.browsing import running_browser, visiting
from tests.embedded.support import served

pytestmark = pytest.mark.browser


def test_a_reader_of_the_documentation_tries_a_route_and_the_browser_refuses_nothing():
    with served(Api(cloud="embedded").app) as base, running_browser() as browser, visiting(browser, base) as visit:
        page = visit.page
        page.goto(f"{base}/docs")
        page.locator("#operations-health-health_health_get button").first.click()
        page.get_by_role("button", name="Try it out").click()
        page.get_by_role("button", name="Execute").click()
        expect(page.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
