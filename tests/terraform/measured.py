"""Evaluates alarms on metric math, which LocalStack does not."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.monitoring.expressions import compute, in_alarm
from tests.system import until
from tests.terraform.alarms import describe_alarms, name_of
from tests.terraform.collector import Collector
from tests.terraform.root import Deployed


class Measured:
    """The metrics since a point in time, for alarms on metric math."""

    def __init__(self, system: Deployed, collector: Collector) -> None:
        self._system, self._collector = system, collector
        self._since = datetime.now(UTC).replace(microsecond=0)

    def series(self, key: str) -> dict[str, list[float | None]]:
        """Read the metrics of an alarm, by id. One period of two hours includes even a slow run."""
        self._collector.collect()
        cloudwatch, period = self._system.client("cloudwatch"), 7200
        found: dict[str, list[float | None]] = {}
        for query in describe_alarms(self._system)[name_of(self._system, key)]["Metrics"]:
            if "MetricStat" in query:
                asked = {**query, "MetricStat": {**query["MetricStat"], "Period": period}}
                (result,) = cloudwatch.get_metric_data(
                    MetricDataQueries=[asked],
                    StartTime=self._since,
                    EndTime=self._since + timedelta(seconds=period),
                )["MetricDataResults"]
                found[query["Id"]] = result["Values"] or [None]
        return found

    def pages(self, key: str) -> bool:
        """Return whether one breaching period would trigger the alarm."""
        alarm = describe_alarms(self._system)[name_of(self._system, key)]
        (expression,) = [query["Expression"] for query in alarm["Metrics"] if query.get("ReturnData")]
        rule = {
            "periods": 1,
            "comparison": alarm["ComparisonOperator"],
            "threshold": alarm["Threshold"],
            "missing": alarm["TreatMissingData"],
        }
        return in_alarm(rule, compute(expression, self.series(key)))

    async def become(self, key: str, **values: float) -> None:
        """Wait until the sums of the alarm's metrics have these values."""

        async def read() -> dict[str, float]:
            found = await asyncio.to_thread(self.series, key)
            return {name: found[name][0] or 0 for name in values}

        await until(read, lambda found: found == values, 600)
