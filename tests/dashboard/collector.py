"""Collects the metrics of an embedded cloud as CloudWatch would: those of AWS services and those of DOFS."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from moto.sqs.models import sqs_backends

from service.aws.metrics import EmbeddedMetricFormat
from service.embedded.cloud import EmbeddedCloud
from tests.dashboard.measures import Measures

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
DEPTHS = {
    "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
}


class Collector:
    """Adds the metrics of a cloud to ``measures``, from the time ``began`` on; a second counts as a minute."""

    def __init__(self, cloud: EmbeddedCloud, measures: Measures, began: float) -> None:
        self._cloud = cloud
        self._measures = measures
        self._began = began

    def collect_service_metrics(self) -> None:
        """Collect the metrics that the service writes as log lines."""
        system, settings = self._cloud.system, self._cloud.settings
        system.metrics = EmbeddedMetricFormat(
            settings.metrics_namespace, settings.environment, system.now, lambda line: self.add_line(json.loads(line))
        )

    def add_line(self, line: Mapping[str, Any]) -> None:
        """Add the metrics of one line in the embedded metric format."""
        minute = self._minute(line["_aws"]["Timestamp"] / 1000)
        for described in line["_aws"]["CloudWatchMetrics"]:
            for names in described["Dimensions"]:
                for name in (metric["Name"] for metric in described["Metrics"]):
                    for value in line[name] if isinstance(line[name], list) else [line[name]]:
                        dimensions = {each: line[each] for each in names}
                        self._measures.add(minute, described["Namespace"], name, value, **dimensions)

    def measure_tables(self) -> None:
        """Count calls of DynamoDB and their latency. Each row in a call counts as one capacity unit."""
        events = self._cloud.system._clients.dynamodb.meta.events
        events.register("before-parameter-build.dynamodb", self._before_call)
        events.register("after-call.dynamodb", self._after_call)

    def _before_call(self, params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["dofs"] = (time.perf_counter(), list(tables_of(params)))

    def _after_call(self, http_response: Any, model: Any, context: Mapping[str, Any], **_: Any) -> None:
        began, tables = context["dofs"]
        took, minute = (time.perf_counter() - began) * 1000, self._minute(time.time())
        kind = "Write" if model.name in WRITES else "Read"
        for table in tables:
            self._dynamodb(minute, f"Consumed{kind}CapacityUnits", 1, TableName=table)
        for table in set(tables):
            if http_response.status_code < 300:
                self._dynamodb(minute, "SuccessfulRequestLatency", took, TableName=table, Operation=model.name)
            for throttled in ("Read", "Write"):
                self._dynamodb(minute, f"{throttled}ThrottleEvents", 0, TableName=table)
        if kind == "Write":
            table = self._cloud.names.orders_table
            for index in ("by-status", "by-customer", "by-owner", "by-reference"):
                self._dynamodb(minute, "WriteThrottleEvents", 0, TableName=table, GlobalSecondaryIndexName=index)

    def _dynamodb(self, minute: float, name: str, value: float, **dimensions: str) -> None:
        self._measures.add(minute, "AWS/DynamoDB", name, value, **dimensions)

    def measure_queues(self) -> None:
        """Add the current depth of both queues, and the age of their oldest messages."""
        names, now = self._cloud.names, time.time()
        for queue in (names.queue, names.dead_letter_queue):
            sqs = self._cloud.client("sqs")
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
            depths = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(DEPTHS))["Attributes"]
            for attribute, name in DEPTHS.items():
                self._sqs(now, name, int(depths[attribute]), queue)
            messages = sqs_backends[names.account][names.region].queues[queue]._messages
            sent = [message.sent_timestamp / 1000 for message in list(messages)]
            self._sqs(now, "ApproximateAgeOfOldestMessage", max((now - each for each in sent), default=0), queue)

    def _sqs(self, at: float, name: str, value: float, queue: str) -> None:
        self._measures.add(self._minute(at), "AWS/SQS", name, value, QueueName=queue)

    def read_log(self, lines: Iterable[Mapping[str, Any]]) -> None:
        """Add all invocations, from the last log line of each."""
        ended = [line for line in lines if "duration_ms" in line and is_last(line)]
        spans = []
        for line in ended:
            end = _seconds(line["timestamp"])
            spans.append((end - line["duration_ms"] / 1000, end))
            self._invocation(self._minute(end), line)
        function = {"FunctionName": self._cloud.names.function}
        for at, running in concurrency(spans):
            self._measures.add(self._minute(at), "AWS/Lambda", "ConcurrentExecutions", running, **function)

    def _invocation(self, minute: float, line: Mapping[str, Any]) -> None:
        names = self._cloud.names
        taken = {"Invocations": 1, "Errors": int("error" in line), "Throttles": 0, "Duration": line["duration_ms"]}
        for name, value in taken.items():
            self._measures.add(minute, "AWS/Lambda", name, value, FunctionName=names.function)
        if line["event"] == "api":
            status = line["outcome"][0]
            answered = {"Count": 1, "4XXError": int(status == "4"), "5XXError": int(status == "5")}
            for name, value in {**answered, "Latency": line["duration_ms"]}.items():
                of = {"ApiName": names.rest_api, "Stage": names.environment}
                self._measures.add(minute, "AWS/ApiGateway", name, value, **of)

    def read_executions(self) -> None:
        """Add all executions of the workflow."""
        machine = self._cloud.names.state_machine_arn
        pages = self._cloud.client("stepfunctions").get_paginator("list_executions").paginate(stateMachineArn=machine)
        for execution in (each for page in pages for each in page["executions"]):
            self._execution(execution["startDate"], "ExecutionsStarted", 1)
            if execution["status"] == "RUNNING":
                continue
            stopped = execution["stopDate"]
            for status, name in (("SUCCEEDED", "Succeeded"), ("FAILED", "Failed"), ("TIMED_OUT", "TimedOut")):
                self._execution(stopped, f"Executions{name}", int(execution["status"] == status))
            self._execution(stopped, "ExecutionTime", (stopped - execution["startDate"]).total_seconds() * 1000)

    def _execution(self, at: datetime, name: str, value: float) -> None:
        machine = self._cloud.names.state_machine_arn
        self._measures.add(self._minute(at.timestamp()), "AWS/States", name, value, StateMachineArn=machine)

    def add_empty_notifications(self) -> None:
        """Add zeros for SNS, because the embedded cloud has no topic."""
        for minute in range(self._measures.minutes):
            for name in ("NumberOfNotificationsDelivered", "NumberOfNotificationsFailed"):
                self._measures.add(minute, "AWS/SNS", name, 0, TopicName=self._cloud.names.alarm_topic)

    def _minute(self, at: float) -> float:
        return at - self._began


def is_last(line: Mapping[str, Any]) -> bool:
    """Whether a line is the last of an invocation. Each record of a batch also has its own line."""
    return line["logger"] == "service.logs" and line.get("event") != "unknown"


def tables_of(params: Mapping[str, Any]) -> Iterator[str]:
    """The table of each row in a call."""
    if "TableName" in params:
        yield params["TableName"]
    for table, wanted in params.get("RequestItems", {}).items():
        yield from [table] * len(wanted["Keys"])
    for write in params.get("TransactItems", ()):
        yield from (each["TableName"] for each in write.values())


def concurrency(spans: Iterable[tuple[float, float]]) -> Iterator[tuple[float, int]]:
    """The number of concurrent spans after each start and end."""
    running = 0
    changes = sorted((at, change) for began, ended in spans for at, change in ((began, 1), (ended, -1)))
    for at, change in changes:
        running += change
        yield at, running


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
