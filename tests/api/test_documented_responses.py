"""Each operation documents every status and media type of its responses, also of those to wrong requests."""

import json

import pytest

from service.api import openapi
from service.orders.lifecycle import Status
from service.orders.strict_json import MAX_SIZE
from tests.api.client import JSON, Api
from tests.steps.doubles import standing

PATHS = json.loads(openapi.document())["paths"]
OPERATIONS = [(method.upper(), path) for path, operations in PATHS.items() for method in operations]
WITH_BODY = [(method, path) for method, path in OPERATIONS if "requestBody" in PATHS[path][method.lower()]]

QUERIES = ["", "x=1", "x=1&x=2", "limit=0", "limit=1&limit=2", "cursor=%00", "cursor=", "%FF=%FF", "created_after="]
ORDER_IDS = ["ord_1", "ord_2", "ord_3", "%20", "%00", "x" * 200, "%F0%9F%98%80", "..%2Forders", "a;b", "%"]
BODIES = {
    "no body": {},
    "an empty body": {"content": b"", "headers": JSON},
    "no content type": {"content": b"{}"},
    "no content type of another site": {"content": b"{}", "headers": {"Origin": "https://evil.example"}},
    "another content type": {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
    "a form": {"data": {"note": "x"}},
    "a compressed body": {"content": b"{}", "headers": {**JSON, "Content-Encoding": "gzip"}},
    "a large body": {"content": b" " * (MAX_SIZE + 1), "headers": JSON},
    "malformed JSON": {"content": b"{", "headers": JSON},
    "another encoding": {"content": "{}".encode("utf-16"), "headers": JSON},
    "NaN": {"content": b'{"note":NaN}', "headers": JSON},
    "a duplicate name": {"content": b'{"note":"x","note":"y"}', "headers": JSON},
    "a list": {"json": []},
    "null": {"json": None},
    "a wrong cursor": {"json": {"note": "x", "cursor": "x"}},
    "two idempotency keys": {"json": {}, "headers": [("Idempotency-Key", "x" * 16), ("Idempotency-Key", "y" * 16)]},
    "a preference": {"json": {}, "headers": {"Prefer": "handling=lenient"}},
}


@pytest.fixture(scope="module")
def api():
    api = Api(cloud="embedded")
    standing(Status.FAILED, api.system, "ord_1")
    standing(Status.FULFILLED, api.system, "ord_2")
    return api


def assert_documented(response, method, path):
    documented = PATHS[path][method.lower()]["responses"]
    assert str(response.status_code) in documented, (response.status_code, response.text)
    media_type = response.headers["content-type"].partition(";")[0]
    assert media_type in documented[str(response.status_code)]["content"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_responses_to_any_query_are_documented(method, path, query, api):
    body = {"json": {"note": "x"}} if (method, path) in WITH_BODY else {}
    assert_documented(api.request(method, f"{path.format(order_id='ord_2')}?{query}", **body), method, path)


@pytest.mark.parametrize("order_id", ORDER_IDS)
@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if "{order_id}" in each[1]])
def test_responses_to_any_order_id_are_documented(method, path, order_id, api):
    body = {"json": {"note": "x"}} if (method, path) in WITH_BODY else {}
    assert_documented(api.request(method, path.format(order_id=order_id), **body), method, path)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("method", "path"), WITH_BODY)
def test_responses_to_any_body_are_documented(method, path, body, api):
    assert_documented(api.request(method, path.format(order_id="ord_1"), **BODIES[body]), method, path)


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", [path for method, path in OPERATIONS if method == "GET"])
def test_head_has_the_documented_status_of_get(path, query, api):
    at = f"{path.format(order_id='ord_1')}?{query}"
    head, get = api.request("HEAD", at), api.get(at)
    assert (head.status_code, head.headers, head.content) == (get.status_code, get.headers, b"")
    assert_documented(head, "GET", path)
