"""The EventBridge rule that runs the reconciler. LocalStack runs rules but not EventBridge Scheduler's schedules."""

import json
from typing import Any

from service.provisioning.deployment import Deployment
from service.provisioning.permission import allow_invoke

RECONCILE_EVENT = {"dofs": {"task": "reconcile"}}
RECONCILE_EVERY = "rate(1 minute)"


def create_schedule(deployment: Deployment) -> None:
    """Create or update the rule and its target.

    An unchanged rule is not written again, as LocalStack would then run it twice.
    """
    names, events = deployment.names, deployment.client("events")
    rule = {"Name": names.rule, "ScheduleExpression": RECONCILE_EVERY, "State": "ENABLED"}
    target = {"Id": "reconcile", "Arn": names.alias_arn, "Input": json.dumps(RECONCILE_EVENT)}
    if not _is_current(events, rule, target):
        events.put_rule(**rule)
        events.put_targets(Rule=names.rule, Targets=[target])
    allow_invoke(deployment, "schedule", "events.amazonaws.com", names.rule_arn)


def _is_current(events: Any, rule: dict[str, str], target: dict[str, str]) -> bool:
    try:
        found = events.describe_rule(Name=rule["Name"])
    except events.exceptions.ResourceNotFoundException:
        return False
    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    return all(found.get(name) == value for name, value in rule.items()) and targets == [target]
