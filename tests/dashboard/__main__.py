"""Draws a picture of the dashboard for the documentation: ``python -m tests.dashboard [FOLDER]``."""

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.embedded.cloud import EmbeddedCloud
from tests.browser.browsing import running_browser
from tests.dashboard.collector import Collector
from tests.dashboard.drawing import page
from tests.dashboard.measures import Measures
from tests.dashboard.scenario import MINUTES, SETTINGS, Scenario
from tests.dashboard.states import State, states
from tests.embedded.support import client, running_cloud
from tests.log_lines import logged
from tests.monitoring.watched import alarms, load_file

FOOTER = (
    "Drawn from terraform/dashboard.yaml with what a run of the embedded cloud measured. A second of the run is shown "
    "as a minute, on the time axis and in the alarms’ periods; the values are as they were measured. Each row of a "
    "table that a call names counts as one unit of capacity; throttles and notifications, which the embedded cloud "
    "does not have, are shown as zero. A time beside an alarm is when it was on; those that are on still are red."
)
WARM_UP = 3  # seconds
POLL_EVERY = 0.15  # seconds


def main(folder: Path) -> None:
    logging.getLogger("moto").setLevel(logging.CRITICAL)  # moto logs an error for every rejected order
    folder.mkdir(parents=True, exist_ok=True)
    measures = Measures(MINUTES)
    with running_cloud(**SETTINGS) as cloud:
        asyncio.run(run_scenario(cloud, measures))
        html = render(values_of(cloud), measures)
    path = folder / "dashboard.png"
    take_picture(html, path)
    sys.stdout.write(f"{path}: {path.stat().st_size // 1024} KB\n")


async def run_scenario(cloud: EmbeddedCloud, measures: Measures) -> None:
    """Run the scenario on a cloud, and measure it."""
    began = time.time() + WARM_UP
    collector = Collector(cloud, measures, began)
    collector.collect_service_metrics()
    collector.measure_tables()
    with logged("DEBUG") as lines:
        async with client(cloud) as api:
            polling = asyncio.create_task(poll_queues(collector))
            await Scenario(cloud, api, began).run()
            polling.cancel()
    collector.read_log(lines)
    collector.read_executions()
    collector.add_empty_notifications()


async def poll_queues(collector: Collector) -> None:
    """Measure the queues at a fixed interval."""
    while True:
        await asyncio.to_thread(collector.measure_queues)
        await asyncio.sleep(POLL_EVERY)


def values_of(cloud: EmbeddedCloud) -> dict[str, Any]:
    """The values for the placeholders of Terraform's files; thresholds are those of alarms.tf."""
    names, settings = cloud.names, cloud.settings
    return {
        "namespace": settings.metrics_namespace,
        "environment": names.environment,
        "function": names.function,
        "rest_api": names.rest_api,
        "stage": names.environment,
        "state_machine_arn": names.state_machine_arn,
        "queue": names.queue,
        "dead_letter_queue": names.dead_letter_queue,
        "orders_table": names.orders_table,
        "failed_orders_table": names.failed_orders_table,
        "alarm_topic": names.alarm_topic,
        "queue_age_threshold": 5 * settings.visibility_timeout,
    }


def render(values: Mapping[str, Any], measures: Measures) -> str:
    """The dashboard as an HTML page."""
    found: list[State] = states(alarms(**values), measures)
    return page(f"dofs-{values['environment']}", load_file("dashboard.yaml", **values), measures, found, FOOTER)


def take_picture(html: str, path: Path) -> None:
    with running_browser() as browser:
        tab = browser.new_page(viewport={"width": 1186, "height": 800}, device_scale_factor=1.1)
        tab.set_content(html)
        tab.screenshot(path=path, full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs/pictures"))
