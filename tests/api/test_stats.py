"""GET /stats: the statistics, and the cache that many clients share."""

from datetime import timedelta

import pytest

from service.orders.brake import Brake
from service.orders.lifecycle import Status
from tests.api.client import Api, assert_problem
from tests.steps.doubles import PatchedStore, message, standing
from tests.support import START


@pytest.fixture
def api():
    return Api(cloud="embedded")


def test_an_idle_system_shows_zeros(api):
    shown = api.get("/stats").json()
    assert shown["orders"] == {status: {"count": 0, "exact": True} for status in Status}
    assert shown["oldest_open"] is None
    assert shown["brake"] is None
    assert shown["last_hour"]["success_rate"] is None
    assert shown["last_hour"]["seconds_to_fulfillment"] is None


def test_a_busy_system_shows_its_counts(api):
    for number, status in enumerate(Status):
        standing(status, api.system, f"ord_{number}")
        api.system.now.forward(1)
    api.system.dead_letters.put(message("ord_6"))
    shown = api.get("/stats").json()
    assert shown["orders"]["FAILED"] == {"count": 1, "exact": True}
    assert shown["oldest_open"] == {"order_id": "ord_0", "status": "RECEIVED", "since": "2026-01-31T09:30:00.123Z"}
    assert shown["dead_letter_queue"] == {"visible": 1, "in_flight": 0}
    assert (shown["last_hour"]["fulfilled"], shown["last_hour"]["failed"]) == (1, 1)
    assert shown["last_hour"]["success_rate"] == 0.5
    assert shown["last_hour"]["seconds_to_fulfillment"]["orders"] == 1
    assert len(shown["last_hour"]["minutes"]) == 60


def test_a_warehouse_that_takes_nothing_is_shown_with_the_time_of_the_next_probe(api):
    api.system.brake.row = Brake(refusals=3, since=START, probe_at=START + timedelta(seconds=30))
    assert api.get("/stats").json()["brake"] == {
        "since": "2026-01-31T09:30:00.123Z",
        "probe_at": "2026-01-31T09:30:30.123Z",
    }


def test_a_brake_without_a_time_of_its_probe_is_shown(api):
    api.system.brake.row = Brake(refusals=3, since=START)
    assert api.get("/stats").json()["brake"] == dict.fromkeys(("since", "probe_at"), "2026-01-31T09:30:00.123Z")


def test_concurrent_clients_share_one_query(api):
    looks = []

    def tally(store, *args):
        looks.append(args)
        return store.tally(*args)

    api.system.store = PatchedStore(api.system.store, tally=tally)
    first = api.get("/stats").json()
    once = len(looks)
    assert api.get("/stats").json() == first
    assert len(looks) == once
    api.system.now.forward(api.system.settings.stats_every)
    api.get("/stats")
    assert len(looks) == 2 * once


def test_a_failed_store_is_a_problem_without_details(api):
    def tally(*_):
        raise ConnectionError("canary")

    api.system.store = PatchedStore(api.system.store, tally=tally)
    answer = api.get("/stats")
    assert_problem(answer, 500, "internal-error")
    assert "canary" not in answer.text


def test_slow_statistics_are_cached_longer(api, monkeypatch):
    clock = iter([0.0, 4.0, 100.0, 100.0])
    monkeypatch.setattr("service.api.stats.monotonic", lambda: next(clock))
    first = api.get("/stats").json()
    for seconds, same in ((19.9, True), (0.2, False)):
        api.system.now.forward(seconds)
        assert (api.get("/stats").json()["at"] == first["at"]) is same
