"""The rule that runs the reconciler. A rule and not a schedule: LocalStack fires the one and not the other."""

import json
from typing import Any

from service.provisioning.deployment import Deployment
from service.provisioning.permission import allow_invoke

RECONCILE_EVENT = {"dofs": {"task": "reconcile"}}
RECONCILE_EVERY = "rate(1 minute)"


def create_schedule(deployment: Deployment) -> None:
    """Create the rule and its target, or bring them up to date.

    What is right is not written again: LocalStack would start a second schedule beside the first.
    """
    names, events = deployment.names, deployment.client("events")
    rule = {"Name": names.rule, "ScheduleExpression": RECONCILE_EVERY, "State": "ENABLED"}
    target = {"Id": "reconcile", "Arn": names.alias_arn, "Input": json.dumps(RECONCILE_EVENT)}
    if not _is_there(events, rule, target):
        events.put_rule(**rule)
        events.put_targets(Rule=names.rule, Targets=[target])
    allow_invoke(deployment, "schedule", "events.amazonaws.com", names.rule_arn)


def _is_there(events: Any, rule: dict[str, str], target: dict[str, str]) -> bool:
    try:
        found = events.describe_rule(Name=rule["Name"])
    except events.exceptions.ResourceNotFoundException:
        return False
    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    return all(found.get(name) == value for name, value in rule.items()) and targets == [target]
