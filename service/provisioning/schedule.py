"""The rule that runs the reconciler. A rule and not a schedule: LocalStack fires the one and not the other."""

import json

from service.provisioning.deployment import Deployment
from service.provisioning.permission import allow_invoke

RECONCILE_EVENT = {"dofs": {"task": "reconcile"}}
RECONCILE_EVERY = "rate(1 minute)"


def create_schedule(deployment: Deployment) -> None:
    """Create the rule and its target, or bring them up to date."""
    names, events = deployment.names, deployment.client("events")
    events.put_rule(Name=names.rule, ScheduleExpression=RECONCILE_EVERY, State="ENABLED")
    target = {"Id": "reconcile", "Arn": names.alias_arn, "Input": json.dumps(RECONCILE_EVENT)}
    events.put_targets(Rule=names.rule, Targets=[target])
    allow_invoke(deployment, "schedule", "events.amazonaws.com", names.rule_arn)
