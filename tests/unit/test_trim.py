"""What is taken out of the image's packages: nothing that the code calls."""

import ast
import re
from pathlib import Path

from botocore import xform_name
from botocore.session import Session

import service.aws
from tools import trim

CLIENTS = {"dynamodb": "dynamodb", "sqs": "sqs", "stepfunctions": "stepfunctions"}


def called() -> set[tuple[str, str]]:
    """Every method of an AWS client that the adapters call, with the client's name."""
    found = set()
    for file in Path(service.aws.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and (call := re.search(r"[._](\w+?)\.(\w+)$", ast.unparse(node.func))):
                found.add((call[1].removeprefix("_"), call[2]))
    return {(client, method) for client, method in found if client in CLIENTS}


def test_the_operations_that_are_kept_are_those_that_the_code_calls():
    kept = {(client, xform_name(name)) for client, names in trim.OPERATIONS.items() for name in names}
    assert called() == kept


def test_all_of_them_exist():
    session = Session()
    for client, names in trim.OPERATIONS.items():
        assert {*names} <= {*session.get_service_model(client).operation_names}


def test_a_trimmed_model_holds_what_its_operations_are_made_of_and_no_other():
    shapes = {
        "In": {"type": "structure", "members": {"Key": {"shape": "Key", "documentation": "a text"}}},
        "Key": {"type": "map", "key": {"shape": "Name"}, "value": {"shape": "Value"}},
        "Name": {"type": "string"},
        "Value": {"type": "structure", "members": {"L": {"shape": "List"}, "documentation": {"shape": "Name"}}},
        "List": {"type": "list", "member": {"shape": "Value"}},
        "Error": {"type": "structure", "exception": True},
        "Other": {"type": "string"},
    }
    operation = {"input": {"shape": "In"}, "errors": [{"shape": "Error"}], "documentation": "a text"}
    assert trim.reachable(operation, shapes) == {*shapes} - {"Other"}
    trimmed = trim.without_documentation({"operations": {"Get": operation}, "shapes": shapes})
    assert "a text" not in str(trimmed)
    assert "documentation" in trimmed["shapes"]["Value"]["members"], "a member may have that name"
