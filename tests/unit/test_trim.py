"""The trimmed packages of the image still hold everything that the code calls."""

import ast
import re
from pathlib import Path

from botocore import xform_name
from botocore.session import Session

import service.aws
from service.aws.clients import Clients
from tools import trim

ADAPTERS = Path(service.aws.__file__).parent
TO_DO = (
    "the image's botocore must hold every operation in use: name each client with its operations in OPERATIONS and its "
    "endpoint prefix in ENDPOINTS of tools/trim.py, and allow the actions in terraform/function.tf"
)


def calls() -> list[tuple[str, ast.Call]]:
    """Every call in the adapters, with the name of its file."""
    files = sorted(ADAPTERS.glob("*.py"))
    return [
        (file.name, node)
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
    ]


def clients() -> dict[str, str]:
    """Every client of ``Clients``: the name of its property, and the AWS service that it is made for."""
    (found,) = [node for node in ast.walk(ast.parse((ADAPTERS / "clients.py").read_text())) if _is_clients(node)]
    made = {}
    for method in found.body:
        for node in ast.walk(method):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._client":
                made[method.name] = ast.literal_eval(node.args[0])
    return made


def _is_clients(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and node.name == Clients.__name__


def called() -> set[tuple[str, str]]:
    """Every operation that the adapters call, with its AWS service."""
    made, found = clients(), set()
    for _, node in calls():
        if call := re.search(r"[._](\w+?)\.(\w+)$", ast.unparse(node.func)):
            client, method = call[1].removeprefix("_"), call[2]
            if client in made:
                found.add((made[client], method))
    return found


def test_the_image_keeps_every_client_and_every_operation_that_the_adapters_use():
    kept = {(client, xform_name(name)) for client, names in trim.OPERATIONS.items() for name in names}
    assert {*clients().values()} == {*trim.OPERATIONS}, TO_DO
    assert called() == kept, TO_DO


def test_the_image_keeps_the_endpoint_of_every_client():
    session = Session()
    prefixes = {session.get_service_model(client).endpoint_prefix for client in clients().values()}
    assert prefixes == trim.ENDPOINTS, TO_DO


def test_only_clients_py_creates_clients():
    """The tests above read only clients.py."""
    creating = {file for file, node in calls() if re.search(r"\b(create_client|client|resource)$", _function(node))}
    assert creating == {"clients.py"}


def _function(call: ast.Call) -> str:
    return ast.unparse(call.func)


def test_every_operation_that_is_kept_exists():
    session = Session()
    for client, names in trim.OPERATIONS.items():
        assert {*names} <= {*session.get_service_model(client).operation_names}


def test_a_trimmed_model_has_only_the_shapes_of_its_operations():
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
