"""A fake AWS CLI for ``deploy.sh``: Lambda calls go to the stack, ECR has every image, and S3 is a folder."""

import os
import shutil
import sys
from pathlib import Path

import boto3
import jmespath

from tests.compose.stack import CREDENTIALS


def main(arguments: list[str]) -> None:
    match arguments:
        case ["ecr", "describe-images", *_]:
            pass
        case ["s3", "cp", "--quiet", source, target]:
            shutil.copy(_local(source), _local(target))
        case ["lambda", operation, *options]:
            _call(operation, dict(zip(options[::2], options[1::2], strict=True)))
        case _:
            sys.exit(f"not a call of deploy.sh: {arguments}")


def _local(path: str) -> Path:
    if not path.startswith("s3://"):
        return Path(path)
    file = Path(os.environ["BUCKETS"]) / path.removeprefix("s3://")
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def _call(operation: str, options: dict[str, str]) -> None:
    query = options.pop("--query", "@")
    options.pop("--output", None)
    client = boto3.client("lambda", endpoint_url=os.environ["AWS_ENDPOINT_URL"], **CREDENTIALS)
    parameters = {"".join(map(str.title, name.strip("-").split("-"))): value for name, value in options.items()}
    found = jmespath.search(query, getattr(client, operation.replace("-", "_"))(**parameters))
    print("\t".join(found) if isinstance(found, list) else found)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
