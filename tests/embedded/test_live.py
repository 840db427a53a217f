"""Stats as server-sent events, from a server with real connections."""

import json

import httpx

from tests.embedded.support import running_cloud, serving
from tests.polling import PATIENCE


def test_the_stream_of_stats_repeats_and_follows_the_orders():
    with running_cloud(fulfillment_success_rate=1, stats_every=0.2) as cloud, serving(cloud) as url:
        seen = []
        with httpx.stream("GET", f"{url}/stats/live", timeout=PATIENCE) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                if not seen:
                    order = {"customer_id": "c", "items": [{"product_id": "p", "quantity": 1, "price": 1}]}
                    accepted = httpx.post(f"{url}/order", json={**order, "total_amount": 1}, timeout=PATIENCE)
                    assert accepted.status_code == 202
                seen.append(json.loads(line.removeprefix("data:")))
                if seen[-1]["orders"]["FULFILLED"]["count"] == 1:
                    break
    assert seen[0]["orders"]["FULFILLED"]["count"] == 0
    assert seen[0].keys() == seen[-1].keys() >= {"orders", "queue", "dead_letter_queue", "last_hour"}
    assert [each["at"] for each in seen] == sorted({each["at"] for each in seen})


def test_a_failing_store_ends_the_stream_but_not_the_server(monkeypatch):
    with running_cloud(stats_every=0.2) as cloud, serving(cloud) as url:
        with httpx.stream("GET", f"{url}/stats/live", timeout=PATIENCE) as stream:
            lines = stream.iter_lines()
            assert next(line for line in lines if line.startswith("data:"))

            def broken(*_: object) -> None:
                raise ConnectionError("canary")

            monkeypatch.setattr(cloud.system.store, "tally", broken)
            assert not any("canary" in line for line in lines)
        assert httpx.get(f"{url}/health", timeout=PATIENCE).status_code == 200
