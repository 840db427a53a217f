"""A client of the simulated warehouse that signs its requests, and a server for a test."""

import itertools
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx

from service.warehouses.picking import AT_ONCE, Picking
from service.warehouses.server import Faults, Ledger, WarehouseServer
from service.warehouses.signatures import read_secret, sign
from tests.polling import PATIENCE
from tests.warehouses.clock import Clock

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
KEY = read_secret(SECRET)
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # never used; httpx would load the system's roots for each client
ITEMS = [{"line_id": "1", "product_id": "prod_456", "quantity": 2}]


class WarehouseClient:
    """Sends signed requests over one connection at a time. ``key`` is the key of the secret; None signs nothing."""

    def __init__(self, url: str, key: bytes | None = KEY, patience: float = PATIENCE) -> None:
        self.http = httpx.Client(base_url=url, timeout=patience, verify=TLS, trust_env=False)
        self._key = key
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, key: str, items: Any = ITEMS, **more: Any) -> httpx.Response:
        headers = {"Idempotency-Key": f'"{key}"'}
        return self.send("POST", "/orders", {"order_id": key, "items": items, **more}, headers)

    def look(self, key: str) -> httpx.Response:
        return self.send("GET", f"/orders/{key}")

    def cancel(self, key: str) -> httpx.Response:
        return self.send("PUT", f"/orders/{key}/cancel")

    def ledger(self, path: str = "/ledger") -> dict[str, Any]:
        """Read one page of the ledger."""
        answer = self.http.get(path)
        assert answer.status_code == 200
        return answer.json()

    def set_faults(self, **faults: float) -> httpx.Response:
        return self.http.put("/faults", json=faults)

    def send(self, method: str, path: str, document: Any = None, headers: Any = None) -> httpx.Response:
        body = b"" if document is None else json.dumps(document).encode()
        signature = sign(self._key, f"test-{next(self._numbers)}", int(time.time()), body) if self._key else {}
        media_type = {} if document is None else {"Content-Type": "application/json"}
        return self.http.request(method, path, content=body, headers={**media_type, **signature, **(headers or {})})


@contextmanager
def running_warehouse(
    success_rate: float = 1,
    faults: Faults | None = None,
    keys: tuple[bytes, ...] = (KEY,),
    capacity: int = 1000,
    picking: Picking = AT_ONCE,
    clock: Clock | None = None,
    **callbacks: Any,
) -> Iterator[tuple[WarehouseServer, WarehouseClient]]:
    """Run a warehouse with a client for it. A clock is that of its ledger."""
    ledger = Ledger("seed", success_rate, capacity, picking=picking, **({"now": clock} if clock else {}))
    with WarehouseServer(ledger, keys, faults, **callbacks) as server, WarehouseClient(server.url) as client:
        yield server, client


def assert_problem(answer: httpx.Response, status: int) -> None:
    """Check that an answer is a problem of a status."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
