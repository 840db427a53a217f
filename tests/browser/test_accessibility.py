"""Accessibility: axe finds nothing, the keyboard is sufficient, and no page scrolls horizontally."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.browsing import DESKTOP, PHONE
from tests.browser.orders import WHOLE, open_shop
from tests.browser.warehouse import Mood
from tests.support import valid_order

pytestmark = pytest.mark.browser

FITS = """[document.documentElement, ...document.querySelectorAll("dialog[open]")].every(
    (box) => box.scrollWidth <= innerWidth && box.getBoundingClientRect().left >= 0)"""
NARROW = {"width": 320, "height": 640}
LOOKS = [
    pytest.param({"viewport": viewport, "color_scheme": scheme}, id=f"{name}-{scheme}")
    for name, viewport in (("desktop", DESKTOP), ("phone", PHONE))
    for scheme in ("light", "dark")
]


@pytest.fixture(scope="module")
def shop():
    with open_shop() as shop:
        yield shop


@pytest.fixture(scope="module")
def seeded(shop):
    """Orders with terminal statuses; the ids of a FAILED, a REJECTED and a FULFILLED one, which has every field."""
    shop.set_warehouse(Mood.REFUSES)
    failed = [shop.submit() for _ in range(3)]
    shop.settled(failed)
    shop.set_warehouse(Mood.SUCCEEDS)
    others = [shop.submit(valid_order(**WHOLE)), shop.submit({"items": []}, Prefer="handling=lenient")]
    shop.settled(others)
    return failed[0], others[1], others[0]


def check(visit) -> None:
    found = Axe().run(visit.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_any_section_or_dialog(shop, seeded, open_console, look):
    failed, rejected, whole = seeded
    visit = open_console(shop.base, **look)
    page = visit.page
    visit.go("live")
    expect(page.get_by_text("50% within")).to_be_visible()
    page.get_by_text("Show as a table").first.click()
    check(visit)
    visit.go("orders")
    expect(page.get_by_text("5 orders, end of list")).to_be_visible()
    check(visit)
    for where in (f"orders/{rejected}", f"orders/{whole}", f"failed/{failed}"):
        visit.go(where)
        expect(page.get_by_role("list", name="Timeline")).to_be_visible()
        check(visit)
    visit.go("failed")
    page.get_by_role("checkbox", name="Select all shown").check()
    check(visit)
    page.get_by_role("button", name="Redrive selected…").click()
    check(visit)
    dialog = page.get_by_role("dialog", name="Redrive")
    dialog.get_by_label("Note").fill("to see")
    dialog.get_by_label("Dry run").check()
    dialog.get_by_role("button", name="Dry run", exact=True).click()
    expect(dialog.get_by_text("3 would be redriven.")).to_be_visible()
    check(visit)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_in_the_try_it_section_and_in_errors(shop, seeded, open_console, look):
    visit = open_console(shop.base, **look)
    visit.expects("422", "403", "ERR_FAILED")
    page = visit.page
    visit.go("try")
    for preset, answer in (("Invalid", "/gift"), ("Repeated", "FULFILLED")):
        page.get_by_role("radio", name=preset).check()
        page.get_by_role("button", name="Submit order").click()
        expect(page.locator(".try-result").get_by_text(answer).last).to_be_visible()
        check(visit)
    page.route("**/orders?**", lambda route: route.fulfill(status=403, json={"message": "Forbidden"}))
    visit.go("orders")
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
    check(visit)
    page.get_by_role("button", name="Not now").click()
    check(visit)
    page.route(re.compile("/(failed-orders|stats|health)"), lambda route: route.abort())
    visit.go("failed")
    expect(page.get_by_text("The API cannot be reached.")).to_be_visible()
    check(visit)


@pytest.mark.parametrize("viewport", [NARROW, PHONE, DESKTOP], ids=["narrow", "phone", "desktop"])
def test_no_page_scrolls_horizontally(shop, seeded, open_console, viewport):
    visit = open_console(shop.base, viewport=viewport)
    for where in ("live", "orders", "failed", "try", f"failed/{seeded[0]}", f"orders/{seeded[2]}"):
        visit.go(where)
        ready = "dialog" if "/" in where else "main"
        expect(visit.page.get_by_role(ready).get_by_role("heading").first).to_be_visible()
        assert visit.page.evaluate(FITS), where


def test_the_keyboard_alone_is_enough_to_redrive_an_order(shop, seeded, open_console):
    shop.set_warehouse(Mood.REFUSES)
    order_id = shop.submit()
    shop.settled([order_id])
    shop.set_warehouse(Mood.SUCCEEDS)
    visit = open_console(shop.base)
    page, press = visit.page, visit.page.keyboard.press
    visit.go("live")
    expect(page.get_by_role("heading", name="Live", level=1)).to_be_visible()
    press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    tab_to(page, page.get_by_role("link", name="Failed", exact=True))
    press("Enter")
    expect(page.get_by_role("heading", name="Failed", level=1)).to_be_focused()
    expect(page.get_by_role("link", name=order_id)).to_be_visible()
    tab_to(page, page.get_by_role("link", name=order_id))
    press("Enter")
    expect(page.get_by_role("dialog").get_by_role("heading", name=order_id)).to_be_focused()
    tab_to(page, page.get_by_role("button", name="Redrive…", exact=True))
    press("Enter")
    dialog = page.get_by_role("dialog", name="Redrive")
    expect(dialog.get_by_label("Note")).to_be_focused()
    page.keyboard.type("by keyboard")
    press("Enter")
    expect(dialog.get_by_text("1 redriven.")).to_be_visible()
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    press("Enter")
    expect(page.get_by_role("list", name="Timeline").get_by_text("by keyboard")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert shop.settled([order_id])[0]["status"] == "FULFILLED"


def test_the_skip_link_leads_past_the_sections(shop, seeded, open_console):
    visit = open_console(shop.base)
    visit.go("orders")
    expect(visit.page.get_by_text("end of list")).to_be_visible()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("main")).to_be_focused()
    expect(visit.page.get_by_role("heading", name="Orders", level=1)).to_be_visible()


def test_updates_keep_the_focus(shop, seeded, open_console):
    visit = open_console(shop.base)
    visit.go("live")
    link = visit.page.get_by_role("link", name="The warehouse refused permanently")
    link.focus()
    before = visit.page.get_by_text(re.compile("^Updated")).inner_text()
    expect(visit.page.get_by_text(re.compile("^Updated"))).not_to_have_text(before)
    expect(link).to_be_focused()


def tab_to(page, wanted) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the keyboard does not come to {wanted}")
