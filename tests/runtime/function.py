"""Runs the function in its own process, with an emulated cloud."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

import service
from tests.polling import PATIENCE
from tests.runtime.runtime_api import RuntimeApi

ROOT = Path(service.__file__).parents[1]
REGION = "ap-south-1"
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}


@dataclass
class Cloud:
    """An emulator with the resources of the function, and the variables that name them."""

    endpoint: str
    variables: Mapping[str, str]

    def client(self, name: str) -> Any:
        return boto3.client(name, endpoint_url=self.endpoint, **CREDENTIALS)


@dataclass
class Function:
    """A running function."""

    api: RuntimeApi
    process: subprocess.Popen[bytes]
    log_file: Path

    def __call__(self, event: Any, seconds: float = 30) -> Any:
        """Invoke the function; returns its response."""
        answer = self.api.invoke(event, seconds)
        assert answer.outcome == "response", answer.document
        return answer.document

    def error(self, event: Any) -> Any:
        """Invoke the function; returns the error that it reports."""
        answer = self.api.invoke(event)
        assert answer.outcome == "error", answer.document
        assert answer.document.keys() == {"errorMessage", "errorType", "requestId", "stackTrace"}
        return answer.document

    @property
    def log(self) -> str:
        return self.log_file.read_text()


@contextmanager
def running(variables: Mapping[str, str], folder: Path) -> Iterator[Function]:
    """Start the function with these variables and those that Lambda sets."""
    api = RuntimeApi()
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "dofs-orders-test",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "TRACE",
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
        **variables,
    }
    log_file = folder / "log.txt"
    command = [sys.executable, "-m", "awslambdaric", "service.function.handler"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Function(api, process, log_file)
    finally:
        process.kill()
        process.wait(PATIENCE)
        api.close()
