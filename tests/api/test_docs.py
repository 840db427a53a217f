"""The documentation: it renders without the internet, and describes every route."""

import json
import re
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from service.api import (
    console,
    deliveries,
    docs,
    failed_orders,
    health,
    openapi,
    orders,
    stats,
    warehouse_events,
)
from service.api.app import create_app
from tests.api.client import JSON, Api, assert_problem

MODULES = (orders, health, docs, warehouse_events, failed_orders, deliveries, stats, console)
ROUTERS = [module.router for module in MODULES]
ROUTES = [route for router in ROUTERS for route in router.routes]
COMMITTED = Path(openapi.__file__).parents[2] / "docs" / "openapi.json"
STALE = "docs/openapi.json is stale: make fmt"


@pytest.fixture
def api():
    """An API with operator routes."""
    return Api(cloud="embedded")


@pytest.fixture
def document(api):
    return api.get("/openapi.json").json()


def operations(document):
    return {(path, method.upper()) for path, each in document["paths"].items() for method in each}


def references(node):
    """Every $ref of a document."""
    if isinstance(node, dict):
        return {value for name, value in node.items() if name == "$ref"}.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


def test_the_page_refers_to_no_other_host(api):
    page = api.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert not re.search(r"""["'(]\s*(https?:)?//""", page.text)
    links = re.findall(r"""(?:src|href|url)\s*[=:]\s*["']([^"']+)["']""", page.text)
    assert sorted(links) == [
        "/docs/icon.svg",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/openapi.json",
    ]


@pytest.mark.parametrize(
    ("name", "media_type", "size"),
    [
        ("swagger-ui-bundle.js", "application/javascript", 1_000_000),
        ("swagger-ui.css", "text/css; charset=utf-8", 100_000),
        ("icon.svg", "image/svg+xml", 100),
    ],
)
def test_every_asset_of_the_page_is_served(name, media_type, size, api):
    response = api.get(f"/docs/{name}")
    assert (response.status_code, response.headers["content-type"]) == (200, media_type)
    assert len(response.content) > size
    assert "max-age" in response.headers["cache-control"]


@pytest.mark.parametrize(
    "name", ["x.js", "index.html", "..%2f__init__.py", "%2e%2e", "swagger-ui.css%00", "SWAGGER-UI.CSS"]
)
def test_no_other_file_is_served(name, api):
    assert_problem(api.get(f"/docs/{name}"), 404, "not-found")


def test_the_root_redirects_to_the_documentation(api):
    response = api.get("/")
    assert (response.status_code, response.headers["location"]) == (307, "/docs")


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"] == "DOFS"


def test_the_committed_document_is_the_one_that_is_served(document):
    assert json.loads(COMMITTED.read_text()) == document, STALE
    assert COMMITTED.read_text() == openapi.document(), STALE


def test_every_route_is_documented_except_the_documentation(document):
    there = {(route.path, method) for route in ROUTES for method in route.methods}
    own = {(route.path, method) for route in docs.router.routes for method in route.methods}
    page = {(route.path, method) for route in console.router.routes for method in route.methods}
    assert own == {("/", "GET"), ("/docs", "GET"), ("/docs/{name}", "GET")}
    assert page == {("/console", "GET"), ("/console/{name}", "GET")}
    assert operations(document) == there - own - page


def test_the_application_has_no_routes_but_these(api, document):
    assert {route.path for route in api.app.routes} == {route.path for route in ROUTES} | {"/openapi.json"}
    assert all(isinstance(route, APIRoute) for route in ROUTES)
    assert len(operations(document)) == 15


def test_every_reference_of_the_document_resolves(document):
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= schemas


def test_every_operation_has_a_description_and_its_errors(document):
    for path, each in document["paths"].items():
        for method, operation in each.items():
            assert operation["description"], (method, path)
            assert operation["responses"].keys() >= {
                "202" if path in ("/order", "/orders") and method == "post" else "200"
            }
            for status, response in operation["responses"].items():
                if int(status) >= 400 and path not in ("/ready", "/health"):
                    assert response["content"].keys() == {"application/problem+json"}, (method, path, status)
                    assert response["description"]


@pytest.mark.parametrize("path", ["/order", "/orders"])
def test_the_documented_body_is_the_model_that_validates_it(path, document):
    body = document["paths"][path]["post"]["requestBody"]
    assert body["content"].keys() == {"application/json"}
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/OrderRequest"}
    schema = document["components"]["schemas"]["OrderRequest"]
    assert schema["required"] == ["customer_id", "items", "total_amount"]
    assert schema["additionalProperties"] is False
    assert "$defs" not in schema


def test_the_documented_example_is_accepted(api, document):
    schemas = document["components"]["schemas"]
    item, order = schemas["OrderItemRequest"]["properties"], schemas["OrderRequest"]["properties"]
    example = {
        "customer_id": order["customer_id"]["examples"][0],
        "items": [{name: item[name]["examples"][0] for name in ("product_id", "quantity", "price")}],
        "total_amount": order["total_amount"]["examples"][0],
    }
    assert api.post("/order", content=json.dumps(example), headers=JSON).status_code == 202


@pytest.mark.parametrize("name", ["short", "full"])
def test_each_documented_order_is_accepted(name, api, document):
    body = document["paths"]["/order"]["post"]["requestBody"]["content"]["application/json"]
    example = body["examples"][name]["value"]
    assert api.post("/order", content=json.dumps(example), headers=JSON).status_code == 202


def test_the_order_with_every_field_is_the_one_of_the_page_about_orders(document):
    page = (COMMITTED.parent / "order.md").read_text(encoding="utf-8")
    shown = json.loads(page.partition("<<'END'\n")[2].partition("\nEND\n")[0])
    body = document["paths"]["/order"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]["full"]["value"] == shown
    assert shown.keys() == document["components"]["schemas"]["OrderRequest"]["properties"].keys()


def test_there_is_no_other_documentation_page(api):
    for path in ("/redoc", "/docs/oauth2-redirect", "/swagger", "/openapi.yaml"):
        assert api.get(path).status_code == 404


def test_an_application_without_a_system_can_print_its_document(api):
    assert create_app(api.system.settings, None).openapi()["paths"]
