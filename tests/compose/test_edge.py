"""Requests as clients really send them, over HTTP: through LocalStack's API Gateway and to the API server."""

import gzip
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support import valid_order

pytestmark = [pytest.mark.anyio, pytest.mark.docker]

JSON = {"Content-Type": "application/json"}
BODY = json.dumps(valid_order()).encode()


@pytest.fixture(params=["gateway", "server"])
async def api(request: pytest.FixtureRequest, stack: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with stack.api(request.param) as client:
        yield client


async def post(api: httpx.AsyncClient, path: str, content: bytes, *headers: tuple[str, str]) -> tuple[int, Any]:
    answer = await api.post(path, content=content, headers=headers)
    return answer.status_code, answer.json()


async def test_head_has_the_status_of_get_and_no_body(api):
    location = (await api.post("/order", json=valid_order())).headers["Location"]
    path = f"/orders/{location.rpartition('/')[2]}"
    head, get = await api.head(path), await api.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"") == (200, b"")
    assert (await api.head("/orders/ord_unknown")).status_code == 404


async def test_a_slash_at_the_end_is_the_same_route(api):
    assert (await post(api, "/orders/", BODY, *JSON.items()))[0] == 202
    assert (await api.get("/orders/", params={"limit": 1})).status_code == 200


async def test_a_content_type_and_a_byte_order_mark_are_not_needed(api):
    request = api.build_request("POST", "/order", content=BODY)
    assert "Content-Type" not in request.headers
    assert (await api.send(request)).status_code == 202
    assert (await post(api, "/orders", b"\xef\xbb\xbf" + BODY, *JSON.items()))[0] == 202


async def test_the_server_refuses_a_compressed_body(stack):
    """LocalStack decompresses it before the function has it. API Gateway does so only if a minimum size is set."""
    async with stack.api("server") as api:
        status, problem = await post(api, "/order", gzip.compress(BODY), *JSON.items(), ("Content-Encoding", "gzip"))
    assert (status, problem["type"]) == (415, "urn:dofs:problem:wrong-content-encoding")


async def test_two_idempotency_keys_are_refused(api):
    keys = [("Idempotency-Key", uuid.uuid4().hex) for _ in range(2)]
    status, problem = await post(api, "/order", BODY, *JSON.items(), *keys)
    assert (status, problem["type"]) == (400, "urn:dofs:problem:idempotency-key-invalid")


async def test_a_repeated_parameter_is_an_error(api):
    answer = await api.get("/orders?status=PENDING&status=FAILED")
    assert (answer.status_code, answer.json()["errors"]) == (
        422,
        [{"pointer": "status", "detail": "must be given only once"}],
    )


async def test_an_encoded_slash_is_no_slash(api):
    order_id = (await api.post("/order", json=valid_order())).json()["order_id"]
    answer = await api.post(f"/orders/{order_id}%2Fcancel")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:dofs:problem:not-found")
    entries = (await api.get(f"/orders/{order_id}")).json()["timeline"]
    assert "CANCELLED" not in [entry["to"] for entry in entries]
