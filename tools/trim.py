"""Removes unused files from the installed packages, so that the image is smaller and the function starts sooner.

``python trim.py FOLDER`` changes a folder that ``pip install --target`` wrote, with ``service`` beside the packages.
botocore loads the model of a whole service to call a few of its operations, and every public root certificate although
AWS uses few. A missing file or folder is an error: a package has changed, and this file is out of date.

https://www.amazontrust.com/repository/
"""

import gzip
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

OPERATIONS = {
    "dynamodb": "BatchGetItem GetItem PutItem Query TransactWriteItems UpdateItem".split(),
    "secretsmanager": ["GetSecretValue"],
    "sqs": "ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage SendMessage".split(),
    "stepfunctions": "DescribeStateMachine StartExecution".split(),
}
"""The operations that the function calls; a test compares them with the code."""

ENDPOINTS = frozenset({"dynamodb", "secretsmanager", "sqs", "states"})
UNUSED = (
    "service/cli",
    "service/embedded",
    "service/provisioning",
    "service/warehouses/conformance",
    "service/warehouses/server",
    "pydantic/v1",
)
DISTRIBUTIONS = ("boto3", "s3transfer")
"""Packages that only the provisioner uses; removed with their metadata."""

TRUSTED = re.compile("Amazon Root CA [1-4]|Starfield Services Root Certificate Authority - G2|Starfield Class 2")


def trim(packages: Path) -> None:
    """Remove everything that the function does not use.

    Args:
        packages: the folder to change.
    """
    remove_unused(packages)
    data = packages / "botocore" / "data"
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in OPERATIONS:
            shutil.rmtree(folder)
    for service, operations in OPERATIONS.items():
        _keep_operations(data / service, operations)
    _keep_endpoints(data / "endpoints.json")
    _keep_certificates(packages / "botocore" / "cacert.pem")


def remove_unused(packages: Path) -> None:
    """Remove whole folders."""
    for name in (*UNUSED, *DISTRIBUTIONS):
        shutil.rmtree(packages / name)
    for distribution in DISTRIBUTIONS:
        for folder in packages.glob(f"{distribution}-*.dist-info"):
            shutil.rmtree(folder)
    for folder in [*packages.rglob("tests"), *packages.rglob(".[!.]*")]:
        if folder.is_dir():
            shutil.rmtree(folder)


def _keep_operations(service: Path, operations: list[str]) -> None:
    """Keep some operations of a service's latest version, with their shapes."""
    *old, latest = sorted(service.iterdir())
    for version in old:
        shutil.rmtree(version)
    for file in latest.glob("*"):
        if not file.name.startswith(("service-2", "endpoint-rule-set-1")):
            file.unlink()
    packed = latest / "service-2.json.gz"
    model = json.loads(gzip.decompress(packed.read_bytes()))
    kept = {name: model["operations"][name] for name in operations}
    shapes = reachable(kept, model["shapes"])
    trimmed = {**model, "operations": kept, "shapes": {name: model["shapes"][name] for name in sorted(shapes)}}
    packed.unlink()
    (latest / "service-2.json").write_text(json.dumps(without_documentation(trimmed), separators=(",", ":")))


def reachable(part: Any, shapes: dict[str, Any]) -> set[str]:
    """The names of the shapes that a part of a model refers to, directly or through other shapes."""
    found: set[str] = set()
    left = [part]
    while left:
        match left.pop():
            case {"shape": str(name)} if name in shapes and name not in found:
                found.add(name)
                left.append(shapes[name])
            case dict() as members:
                left += members.values()
            case list() as elements:
                left += elements
    return found


def without_documentation(part: Any) -> Any:
    """A part of a model without its documentation."""
    match part:
        case dict():
            texts = [name for name, value in part.items() if name == "documentation" and isinstance(value, str)]
            return {name: without_documentation(value) for name, value in part.items() if name not in texts}
        case list():
            return [without_documentation(element) for element in part]
        case _:
            return part


def _keep_endpoints(file: Path) -> None:
    endpoints = json.loads(file.read_text())
    for partition in endpoints["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in services if name in ENDPOINTS}
    file.write_text(json.dumps(endpoints, separators=(",", ":")))


def _keep_certificates(file: Path) -> None:
    """Keep the root certificates of AWS's own services."""
    blocks = file.read_text().split("\n# Issuer: ")
    kept = [f"# Issuer: {block.strip()}\n" for block in blocks if TRUSTED.search(block.partition("\n")[0])]
    if len(kept) != 6:
        sys.exit(f"{file} has {len(kept)} of the 6 certificates of Amazon Trust Services: update tools/trim.py")
    file.write_text("\n".join(kept))


if __name__ == "__main__":
    trim(Path(sys.argv[1]))
