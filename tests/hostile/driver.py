"""Applies the same operations to a system and to the model, and compares the API's answers with the model."""

import asyncio
import itertools
import json
from typing import Any

import httpx

from service.handler import dispatch
from tests.api.client import Api
from tests.hostile.logs import CANARY
from tests.hostile.model import ModelOrder
from tests.support import Context, MemorySystem


class SteadyApi(Api):
    """The application behind one client, with a new system for each test."""

    def __init__(self) -> None:
        super().__init__(cloud="embedded")
        self.loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api.test", headers={"X-Note": CANARY})

    def renew(self) -> MemorySystem:
        self.system = self.app.state.system = MemorySystem()
        return self.system

    def together(self, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
        return [
            self.loop.run_until_complete(self.client.request(method, path, **given)) for method, path, given in requests
        ]

    def close(self) -> None:
        self.loop.run_until_complete(self.client.aclose())
        self.loop.close()


class Driver:
    """One system and its model."""

    def __init__(self, api: SteadyApi) -> None:
        self.api, self.system = api, api.renew()
        self.model: dict[str, ModelOrder] = {}
        self.keys: dict[str, tuple[str, bytes, bool]] = {}
        """Of each idempotency key: its order, the body that was sent, and whether it was sent leniently."""
        self.numbers = itertools.count()

    def key(self) -> str:
        return f"{CANARY}-{next(self.numbers)}"

    def post(self, body: bytes, lenient: bool, key: str | None, path: str = "/order") -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if lenient:
            headers["Prefer"] = "handling=lenient"
        if key:
            headers["Idempotency-Key"] = key
        return self.api.post(path, content=body, headers=headers)

    def accept(self, document: dict[str, Any], valid: bool, lenient: bool, keyed: bool, path: str = "/order") -> str:
        """Submit a document that must be accepted; return the order's id."""
        key = self.key() if keyed else None
        body = json.dumps(document).encode()
        response = self.post(body, lenient, key, path)
        assert response.status_code == 202, response.text
        order_id = response.json()["order_id"]
        assert response.json() == {"order_id": order_id, "status": "RECEIVED"}
        assert response.headers["location"] == f"/orders/{order_id}"
        assert response.headers.get("preference-applied") == ("handling=lenient" if lenient else None)
        assert "idempotency-replayed" not in response.headers
        assert order_id not in self.model
        assert self.system.workflow.started[-1] == (order_id, order_id)
        self.model[order_id] = ModelOrder(document, valid, self.system.now())
        if key:
            self.keys[key] = (order_id, body, lenient)
        return order_id

    def repeat(self, key: str, *, reordered: bool = False, path: str = "/order") -> None:
        """Repeat the request of a key, or send the same order in another notation."""
        order_id, body, lenient = self.keys[key]
        if reordered:
            body = json.dumps(dict(reversed(json.loads(body).items())), indent=1).encode()
        response = self.post(body, lenient, key, path)
        assert (response.status_code, response.json()) == (202, {"order_id": order_id, "status": "RECEIVED"})
        assert response.headers["location"] == f"/orders/{order_id}"
        assert response.headers["idempotency-replayed"] == "true"

    def task(self, name: str, **fields: Any) -> Any:
        return dispatch({"dofs": {"task": name, **fields}}, Context(), self.system)

    def look(self, order_id: str) -> None:
        response = self.api.get(f"/orders/{order_id}")
        assert response.status_code == 200
        self.compare(order_id, response.json())

    def compare(self, order_id: str, shown: dict[str, Any]) -> None:
        order = self.model[order_id]
        errors, story = shown.pop("errors"), shown.pop("timeline")
        assert shown == order.shown(order_id)
        assert bool(errors) == (order.status == "REJECTED")
        assert [{name: each[name] for name in ("from", "to", "actor", "at")} for each in story] == order.shown_history()

    def page(self, query: dict[str, Any]) -> tuple[list[str], str | None]:
        response = self.api.get("/orders", params=query)
        assert response.status_code == 200, response.text
        page = response.json()
        assert len(page["orders"]) <= query["limit"]
        ids = [order["order_id"] for order in page["orders"]]
        for order in page["orders"]:
            self.compare(order["order_id"], order)
        return ids, page["next_cursor"]

    def whole(self, query: dict[str, Any]) -> list[str]:
        """All pages of a list."""
        ids, cursor = self.page(query)
        while cursor:
            more, cursor = self.page({**query, "cursor": cursor})
            assert more, "a page that is not the first is not empty"
            assert not set(more) & set(ids), "an order is on two pages"
            ids += more
        return ids

    def orders_of(self, customer: str) -> list[str]:
        return [order_id for order_id, order in self.model.items() if order.customer_id == customer]

    def orders_with(self, reference: str) -> list[str]:
        """The orders of the API's caller with a reference; not those that an operator has started by hand."""
        return [order_id for order_id, order in self.model.items() if (order.reference, order.by) == (reference, "api")]

    def check(self) -> None:
        """Check that the orders and the keys are exactly those of the model."""
        for key in self.keys:
            self.repeat(key)
        for order_id, order in self.model.items():
            self.look(order_id)
            assert (self.system.store.get_failed(order_id) is not None) == (order.status == "FAILED")
        assert len(self.system.store.orders) == len(self.model)
