"""IAM policies: the function's, read from ``terraform/function.tf`` without Terraform, and any policy document."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from service.provisioning.names import Names

FUNCTION_TF = Path(__file__).parents[2] / "terraform" / "function.tf"
STATEMENT = re.compile(r'Sid += "(\w+)"\n +Effect += "Allow"\n +Action += (.+)\n +Resource += (.+)\n')
INDEXES = re.compile(r"\[for index in (\w+\.\w+)\.global_secondary_index : .*/index/\$\{index\.name\}\"\]")


class Statement(NamedTuple):
    """The allowed actions of a policy statement, and the ARNs of their resources. An ARN may contain ``*``."""

    actions: frozenset[str]
    resources: frozenset[str]

    def allows(self, action: str, resource: str) -> bool:
        return action in self.actions and any(fnmatchcase(resource, pattern) for pattern in self.resources)


Policy = dict[str, Statement]
"""The statements of a policy, by Sid."""


def parse_document(document: str) -> Policy:
    """Parse a policy document of IAM."""
    allowed = [each for each in json.loads(document)["Statement"] if each["Effect"] == "Allow"]
    return {each["Sid"]: Statement(_values(each["Action"]), _values(each["Resource"])) for each in allowed}


def _values(value: str | list[str]) -> frozenset[str]:
    return frozenset([value] if isinstance(value, str) else value)


def parse_function_policy(names: Names) -> Policy:
    """Parse the function's policy in ``function.tf`` for a deployment's names; ``index/*`` is all indexes."""
    text = FUNCTION_TF.read_text().partition('resource "aws_iam_policy" "function"')[2].partition("\n}")[0]
    found = STATEMENT.findall(text)
    assert len(found) == text.count("Sid ") > 0, f"{STATEMENT.pattern} does not match each statement"
    return {
        sid: Statement(frozenset(re.findall(r'"([^"]+)"', actions)), frozenset({_arn(resource, names)}))
        for sid, actions, resource in found
    }


def warehouse_secret_arn(names: Names) -> str:
    """Return the ARN of the warehouse's secret, without the six characters that Secrets Manager appends."""
    return f"arn:aws:secretsmanager:{names.region}:{names.account}:secret:dofs-warehouse-{names.environment}"


def _arn(expression: str, names: Names) -> str:
    """Return the ARN of an expression in ``function.tf``; an unknown expression is returned unchanged."""
    table = f"arn:aws:dynamodb:{names.region}:{names.account}:table/"
    arns = {
        "aws_dynamodb_table.orders.arn": table + names.orders_table,
        "aws_dynamodb_table.failed_orders.arn": table + names.failed_orders_table,
        "aws_sqs_queue.fulfillment.arn": names.queue_arn(names.queue),
        "aws_sqs_queue.dead_letter.arn": names.queue_arn(names.dead_letter_queue),
        "local.state_machine_arn": names.state_machine_arn,
        "local.warehouse_secret_arn": warehouse_secret_arn(names),
    }
    if indexes := INDEXES.fullmatch(expression):
        return f"{arns[indexes[1] + '.arn']}/index/*"
    return arns.get(expression, expression)
