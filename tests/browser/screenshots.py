"""Pictures of the console for the documentation: ``python -m tests.browser.screenshots [FOLDER]``."""

import logging
import math
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from playwright.sync_api import Page, expect

from service.orders.timestamps import to_the_millisecond
from service.wiring import LiveSystem
from tests.browser.browsing import running_browser, visiting
from tests.browser.orders import Shop, open_shop, until
from tests.browser.warehouse import Mood, Warehouse

WHOLE = {"width": 1280, "height": 1030}
PART = {"width": 1180, "height": 860}
CUSTOMERS = ("cust_ada", "cust_grace", "cust_edsger", "cust_barbara", "cust_donald")
HOUR_AGO = timedelta(minutes=58)
UNHURRIED = {"restart_after": 7200, "recover_after": 7200, "resend_after": 7200, "backoff_ceiling": 7200}
TROUBLES = {
    9: Mood.REFUSES,
    23: Mood.DECLINES,
    24: Mood.DECLINES,
    25: Mood.DECLINES,
    31: Mood.BREAKS,
    44: Mood.REFUSES,
    52: Mood.SUCCEEDS_LATER,
}


def main(folder: Path) -> None:
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # it logs an error for each rejected order
    folder.mkdir(parents=True, exist_ok=True)
    with (
        open_shop(visibility_timeout=300, **UNHURRIED) as shop,
        running_browser() as browser,
        ExitStack() as visits,
    ):
        told = busy_hour(shop)
        for scheme in ("light", "dark"):
            options = {"viewport": WHOLE, "device_scale_factor": 1.4, "color_scheme": scheme}
            page = visits.enter_context(visiting(browser, shop.base, **options)).page
            picture_live(page, shop, folder / f"console-live{'-dark' if scheme == 'dark' else ''}.png")
            if scheme == "light":
                picture_order(page, shop, told, folder / "console-order.png")
                picture_failed(page, shop, folder / "console-failed.png")
    for each in sorted(folder.glob("console-*.png")):
        sys.stdout.write(f"{each}: {each.stat().st_size // 1024} KB\n")


def busy_hour(shop: Shop) -> str:
    """Simulate an hour of orders. Return the id of one that failed, was redriven and fulfilled."""
    warehouse = Warehouse(pace=0.17)
    shop.cloud.system.fulfiller = warehouse
    ahead = partial(set_clock, shop)
    failed: list[str] = []
    for minute in range(58):
        ahead(timedelta(minutes=minute) - HOUR_AGO)
        warehouse.mood = Mood.SUCCEEDS
        demand = round(3.5 + 2 * math.sin(minute / 7) + minute * 7 % 3)
        shop.settled([shop.submit(order_of(minute, number)) for number in range(demand)])
        warehouse.mood = TROUBLES.get(minute, Mood.SUCCEEDS)
        ended = shop.settled([shop.submit(order_of(minute, number)) for number in range(1 + minute % 3)])
        failed += [order["order_id"] for order in ended if order["status"] == "FAILED"]
    rejected = [shop.submit({"items": []}, Prefer="handling=lenient") for _ in range(2)]
    warehouse.mood = Mood.SUCCEEDS
    answer = shop.http.post(f"/failed-orders/{failed[0]}/redrive", json={"note": "the carrier has a new route: #4711"})
    assert answer.status_code == 200, answer.text
    shop.settled([failed[0], *rejected])
    wait_for_more(shop, warehouse)
    return failed[0]


def wait_for_more(shop: Shop, warehouse: Warehouse) -> None:
    """Keep some orders PENDING between two attempts for the picture."""
    shop.cloud.system.policy = replace(shop.cloud.system.policy, retry_delay=timedelta())
    warehouse.mood = Mood.DECLINES
    waiting = [shop.submit(order_of(59, number)) for number in range(4)]
    until(
        lambda: [shop.order(order_id) for order_id in waiting],
        lambda orders: all(order["attempts"] == 1 and order["status"] == "PENDING" for order in orders),
    )
    set_clock(shop, timedelta(seconds=94))


def set_clock(shop: Shop, offset: timedelta) -> None:
    """Shift the clock of the whole system, which reads the time through one port."""
    real = LiveSystem.now.fget

    class Shifted(LiveSystem):
        @property
        def now(self):
            return lambda: to_the_millisecond(real(self)() + offset)

    shop.cloud.system.__class__ = Shifted


def order_of(minute: int, number: int) -> dict[str, object]:
    customer = CUSTOMERS[(minute + number) % len(CUSTOMERS)]
    items = [
        {"product_id": "lamp-brass", "quantity": 1 + number, "price": 29.99},
        {"product_id": "bulb-e27-warm", "quantity": 2, "price": 4.5},
    ]
    return {"customer_id": customer, "items": items, "total_amount": round(29.99 * (1 + number) + 9, 2)}


def picture_live(page: Page, shop: Shop, path: Path) -> None:
    page.goto(f"{shop.base}/console#/live")
    expect(page.get_by_text("the API streams updates")).to_be_visible()
    page.screenshot(path=path)


def picture_order(page: Page, shop: Shop, order_id: str, path: Path) -> None:
    page.set_viewport_size(PART)
    page.goto(f"{shop.base}/console#/orders/{order_id}")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible()
    expect(page.get_by_text("orders shown")).to_be_attached()
    page.screenshot(path=path)


def picture_failed(page: Page, shop: Shop, path: Path) -> None:
    page.goto(f"{shop.base}/console#/failed")
    for number in (1, 2, 4):
        page.get_by_role("checkbox").nth(number).check()
    page.screenshot(path=path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/pictures"))
