"""The API agrees with its OpenAPI document: valid and invalid requests get documented answers.

Hundreds, and more than two thousand with `make fuzz`.
"""

from dataclasses import dataclass

import pytest
import schemathesis
from schemathesis.checks import not_a_server_error

from service.orders.lifecycle import Status
from service.orders.ports import Unavailable
from tests.api.client import Api
from tests.hostile.generated import Run, run
from tests.hostile.logs import CANARY, captured_logs
from tests.steps.doubles import PatchedStore, standing
from tests.support import valid_order


@dataclass(frozen=True)
class Extent:
    """How many requests are generated."""

    examples: int
    """Examples of each operation."""
    chains: int
    """Chains of calls."""
    least: int
    """All requests, at least."""


PART, ALL = Extent(examples=8, chains=12, least=500), Extent(examples=130, chains=60, least=2_000)


@pytest.fixture(scope="module")
def extent(thorough: bool) -> Extent:
    return ALL if thorough else PART


@pytest.fixture(scope="module")
def fuzzed(extent: Extent) -> Run:
    """A run on a system with two orders in each state, and with several pages of orders of one customer."""
    api = Api(cloud="embedded", redrive_rate=1000)
    names = [(status, f"ord_{status.lower()}_{number}") for status in Status for number in (1, 2)]
    order_ids = [standing(status, api.system, order_id).order_id for status, order_id in names]
    order_ids += ["ord_unknown"] * 2
    for number in range(120):
        api.system.receive(f"ord_{number}", customer_id=CANARY, reference=CANARY, metadata={"note": CANARY})
    with captured_logs():
        return run(api, order_ids, extent.examples, extent.chains)


def is_known(complaint: str) -> bool:
    """Whether it is about the path of a bulk redrive, which is also an order's path: ``Allow`` includes GET."""
    return complaint.startswith("POST /failed-orders/redrive: ") and "`Allow: GET, HEAD, POST`" in complaint


def test_every_answer_is_documented_and_none_is_a_server_error(fuzzed):
    complaints = [complaint for complaint in fuzzed.complaints if not is_known(complaint)]
    assert not complaints, "\n\n".join(complaint[:2_000] for complaint in complaints[:5])
    assert not [status for _, status in fuzzed.answers if status >= 500]


def test_there_are_enough_requests(fuzzed, extent, counted):
    assert fuzzed.cases >= extent.least
    counted("requests from the OpenAPI document", fuzzed.cases)


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("POST /order", {202, 400, 405, 415, 422}),
        ("POST /orders", {202, 400, 405, 415, 422}),
        ("GET /orders", {200, 400, 422}),
        ("GET /orders/{order_id}", {200, 404, 405}),
        ("POST /orders/{order_id}/cancel", {200, 404, 405, 409}),
        ("GET /failed-orders", {200, 400, 405, 422}),
        ("GET /failed-orders/{order_id}", {200, 404, 405}),
        ("POST /failed-orders/{order_id}/redrive", {200, 400, 404, 405, 409, 415, 422}),
        ("POST /failed-orders/redrive", {200, 400, 405, 422}),
        ("GET /stats", {200, 405}),
        ("GET /health", {200, 405}),
        ("GET /ready", {200, 405}),
    ],
)
def test_every_operation_had_several_statuses(operation, statuses, fuzzed, thorough):
    assert fuzzed.statuses(operation) >= statuses or not thorough


def test_the_answers_cover_every_state_further_pages_and_replays(fuzzed, thorough):
    if thorough:
        assert fuzzed.states == {status.value for status in Status}
        assert fuzzed.further_pages > 10
        assert fuzzed.replays > 10
    assert fuzzed.spans > 5


def test_every_applicable_check_ran(fuzzed):
    # There is no security in the document, no DELETE and no header that is needed: those checks see nothing to judge.
    assert fuzzed.passed.keys() >= {
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "positive_data_acceptance",
        "negative_data_rejection",
        "ensure_resource_availability",
        "unsupported_method",
        "allow_header_conformance",
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/order"),
        ("POST", "/orders"),
        ("GET", "/orders"),
        ("GET", "/orders/{order_id}"),
        ("POST", "/orders/{order_id}/cancel"),
        ("GET", "/failed-orders"),
        ("GET", "/failed-orders/{order_id}"),
        ("POST", "/failed-orders/{order_id}/redrive"),
        ("POST", "/failed-orders/redrive"),
        ("GET", "/stats"),
        ("GET", "/ready"),
    ],
)
def test_answers_while_the_table_is_unavailable_are_documented(method, path):
    def unavailable(*_):
        raise Unavailable

    api = Api(cloud="embedded")
    asked = (
        "create",
        "apply",
        "get",
        "list_orders",
        "get_failed",
        "failed_orders",
        "tally",
        "ready",
    )
    broken = dict.fromkeys(asked, unavailable)
    api.system.store = PatchedStore(api.system.store, **broken)
    case = schemathesis.openapi.from_asgi("/openapi.json", api.app)[path][method].Case(
        path_parameters={"order_id": "ord_1"} if "{" in path else {},
        query={"status": "FAILED"} if method == "GET" and path == "/orders" else {},
        **(
            {"body": {"note": "again"} if "redrive" in path else valid_order(), "media_type": "application/json"}
            if path in ("/order", "/orders") or "redrive" in path
            else {}
        ),
    )
    response = case.call()
    assert response.status_code == 503
    case.validate_response(response, excluded_checks=[not_a_server_error])
