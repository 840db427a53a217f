"""Terraform's tables have the keys and the indexes of the tables that the emulators get."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from service.provisioning.tables import create_tables, failed_orders_table, orders_table
from tests.support import SETTINGS

TEXT = (Path(__file__).parents[2] / "terraform" / "tables.tf").read_text()
BLOCK = re.compile(r'^resource "aws_dynamodb_table" "(\w+)" {\n(.*?)^}', re.M | re.S)
TABLES = {"orders": orders_table("orders", by_owner=True), "failed_orders": failed_orders_table("failed_orders")}


def blocks(text: str, kind: str) -> list[dict[str, str]]:
    """The values of all blocks of a kind, then those that exist only with a user pool."""
    found = re.findall(rf"^  {kind} {{\n(.*?)^  }}", text, re.M | re.S)
    dynamic = re.findall(
        rf'^  dynamic "{kind}" {{\n    for_each = var.api_auth == "cognito" .*?$(.*?)^  }}', text, re.M | re.S
    )
    owner = [re.sub(rf"= {kind}.value", '= "owner"', each) for each in dynamic]
    return [dict(re.findall(r'^ +(\w+) += "([^"]*)"', each, re.M)) for each in (*found, *owner)]


def described(table: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {
            "name": index["IndexName"],
            "hash_key": index["KeySchema"][0]["AttributeName"],
            "range_key": index["KeySchema"][1]["AttributeName"],
            "projection_type": index["Projection"]["ProjectionType"],
        }
        for index in table["GlobalSecondaryIndexes"]
    ]


def test_terraform_has_the_same_tables():
    assert {name for name, _ in BLOCK.findall(TEXT)} == TABLES.keys()


@pytest.mark.parametrize(("name", "text"), BLOCK.findall(TEXT), ids=lambda value: value[:15])
def test_a_table_has_the_same_keys_and_indexes(name: str, text: str):
    table = TABLES[name]
    assert blocks(text, "global_secondary_index") == described(table)
    assert blocks(text, "attribute") == [
        {"name": each["AttributeName"], "type": each["AttributeType"]} for each in table["AttributeDefinitions"]
    ]
    assert '\n  hash_key                    = "order_id"\n' in text


@pytest.mark.parametrize(("api_auth", "has_index"), [("cognito", True), ("none", False), ("iam", False)])
def test_only_a_user_pool_has_the_index_of_owners(api_auth: str, has_index: bool):
    dynamodb = Mock()
    deployment: Any = SimpleNamespace(client=lambda _: dynamodb, settings=replace(SETTINGS, api_auth=api_auth))
    create_tables(deployment)
    orders = dynamodb.create_table.call_args_list[0].kwargs
    assert ("by-owner" in {index["IndexName"] for index in orders["GlobalSecondaryIndexes"]}) is has_index
