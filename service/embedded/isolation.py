"""Isolates the embedded cloud: it cannot reach AWS, and does not read the user's credentials."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from botocore.httpsession import URLLib3Session

FAKE_CREDENTIAL = "embedded"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class WouldReachAws(Exception):
    """A call of the embedded cloud would connect to another machine."""


@contextmanager
def isolate(region: str) -> Iterator[None]:
    """Replace the AWS environment variables of the process while the embedded cloud runs.

    botocore opens no connection to another machine from now until the process ends, because work can still be in
    flight when the cloud stops.

    Raises:
        WouldReachAws: an ``AWS_ENDPOINT_URL`` variable names another machine.
    """
    refuse_other_machines()
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    _replace(before, _environment(region))
    URLLib3Session.send = _send_nothing_out  # type: ignore[method-assign]
    try:
        yield
    finally:
        _replace({name: value for name, value in os.environ.items() if name.startswith("AWS_")}, before)


def refuse_other_machines() -> None:
    """Raise WouldReachAws if an environment variable directs AWS calls to another machine."""
    for name, value in sorted(os.environ.items()):
        if name.startswith("AWS_ENDPOINT_URL") and urlsplit(value).hostname not in LOOPBACK:
            raise WouldReachAws(f"{name}={value} is not on this machine: unset it, or run with DOFS_CLOUD=aws")


def _environment(region: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": FAKE_CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": FAKE_CREDENTIAL,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    }


def _replace(old: dict[str, str], new: dict[str, str]) -> None:
    for name in old:
        os.environ.pop(name, None)
    os.environ.update(new)


def _send_nothing_out(self: URLLib3Session, request: Any) -> Any:
    """Replace botocore's method that sends requests; it gets the requests that the emulator does not handle."""
    host = urlsplit(request.url).hostname
    if host not in LOOPBACK:
        raise WouldReachAws(f"the embedded cloud does not support {request.method} {host}, and sends nothing to AWS")
    return _send(self, request)


_send = URLLib3Session.send
