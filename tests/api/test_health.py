"""GET /health and GET /ready: liveness and readiness."""

import pytest

from service import __version__
from service.api.dependencies import run_in_thread, run_inline
from tests.api.client import Api

DEPENDENCIES = {"orders store": "store", "fulfillment queue": "queue", "order workflow": "workflow"}


def broken(api, *ports):
    def ready():
        raise ConnectionError("canary at 10.0.0.7")

    for port in ports:
        getattr(api.system, port).ready = ready


def test_health_reports_the_version(api):
    response = api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok", "version": __version__})


def test_health_checks_no_dependency(api):
    broken(api, "store", "queue", "workflow")
    assert api.get("/health").status_code == 200


@pytest.mark.parametrize("offload", [run_inline, run_in_thread])
def test_ready_when_every_dependency_responds(offload):
    response = Api(offload=offload).get("/ready")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "dependencies": dict.fromkeys(DEPENDENCIES, "ok")},
    )


@pytest.mark.parametrize("offload", [run_inline, run_in_thread])
@pytest.mark.parametrize("name", DEPENDENCIES)
def test_not_ready_names_the_failed_dependency_only(name, offload):
    api = Api(offload=offload)
    broken(api, DEPENDENCIES[name])
    response = api.get("/ready")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    told = response.json()["dependencies"]
    assert told.pop(name) == "does not respond (ConnectionError)"
    assert set(told.values()) == {"ok"}


def test_not_ready_names_every_failed_dependency_and_quotes_no_error(api):
    broken(api, *DEPENDENCIES.values())
    response = api.get("/ready")
    assert response.json()["dependencies"].keys() == DEPENDENCIES.keys()
    assert "canary" not in response.text
    assert "10.0.0.7" not in response.text


def test_ready_again_after_a_dependency_recovers(api):
    api.system.queue.broken = ConnectionError()
    assert api.get("/ready").status_code == 503
    api.system.queue.broken = None
    assert api.get("/ready").status_code == 200
