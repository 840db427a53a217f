"""Where the API is, who asks, and what its answers mean."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import httpx

from service import __version__
from service.cli import auth
from service.cli.errors import CliError, ExitCode

TIMEOUT = 30.0  # seconds; API Gateway's own is 29
NOT_AN_API = "is that the URL of a DOFS API, with its stage, such as /dev?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpoint:
    """Where the API is, and how its callers prove who they are."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    sigv4: bool = False
    region: str | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            whole = False
        if not whole or parts.query or parts.fragment or not self.url.isprintable():
            raise CliError(ExitCode.USAGE, "--api takes a URL such as http://127.0.0.1:8000 or https://host/dev.")
        if self.token and self.sigv4:
            raise CliError(
                ExitCode.USAGE, "A request is signed or bears a token, not both: leave --sigv4 or DOFS_TOKEN away."
            )
        if parts.username is not None:
            raise CliError(ExitCode.USAGE, "--api takes no user and password; a key goes into DOFS_API_KEY.")

    @property
    def options(self) -> dict[str, Any]:
        """What a client of httpx is made with."""
        headers = {"User-Agent": f"dofs/{__version__}", "Accept": "application/json"}
        return {
            "base_url": self.url.rstrip("/"),
            "headers": {**headers, **auth.headers(self.api_key, self.token)},
            "auth": auth.sigv4(self.url, self.region) if self.sigv4 else None,
            "timeout": TIMEOUT,
            # Reading all certificate authorities takes longer than a request. Without them no certificate is trusted.
            "verify": True if self.url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        }

    def unreachable(self, error: Exception) -> CliError:
        """What to tell the user when no answer comes."""
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return CliError(ExitCode.API, f"The API at {self.url} did not answer in {TIMEOUT:.0f} s; try again.")
        return CliError(
            ExitCode.API,
            f"The API at {self.url} cannot be reached ({type(error).__name__}): "
            "start one with `make run`, or give --api.",
        )

    def explain(self, response: httpx.Response, about: str) -> CliError:
        """What to tell the user about an answer that is an error.

        Args:
            response: the answer.
            about: what was asked for, such as ``Order ord_1``.
        """
        problem = problem_in(response)
        status, said = response.status_code, said_by(problem, response)
        slug = str(problem.get("type", "")).removeprefix("urn:dofs:problem:")
        errors = errors_of(problem)
        if status in (401, 403):
            return CliError(
                ExitCode.NOT_AUTHORIZED,
                f"The API at {self.url} does not let you ({status}, {said}): "
                "give --api-key, --token or --sigv4, or other ones.",
            )
        if status == 404 and slug in ("order-not-found", "order-not-failed"):
            return CliError(ExitCode.NO_SUCH_ORDER, f"{about}: {said}.")
        if status == 404 or 300 <= status < 400:
            return CliError(ExitCode.API, f"{about}: the API at {self.url} has no such route ({status}): {NOT_AN_API}")
        if status == 409:
            return CliError(ExitCode.CONFLICT, f"{about}: {said}.")
        if status >= 500 or status == 429:
            return CliError(ExitCode.API, f"{about}: the API at {self.url} is failing ({status}, {said}); try again.")
        return CliError(ExitCode.USAGE, f"{about}: the API refuses the request ({status}, {said}).", errors)


def answer(result: httpx.Response | httpx.TransportError, endpoint: ApiEndpoint, about: str) -> Any:
    """The JSON of a good answer.

    Raises:
        CliError: it is none.
    """
    if not isinstance(result, httpx.Response):
        raise endpoint.unreachable(result) from None
    if not result.is_success:
        raise endpoint.explain(result, about)
    content = json_of(result)
    if not isinstance(content, dict):
        raise CliError(ExitCode.API, f"{about}: {endpoint.url} does not answer with JSON: {NOT_AN_API}")
    return content


def json_of(response: httpx.Response) -> Any:
    """The JSON of a response with amounts as ``Decimal``; None when it holds none."""
    try:
        return json.loads(response.content, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def problem_in(response: httpx.Response) -> dict[str, Any]:
    """The problem details of an error, or what API Gateway says in their place."""
    content = json_of(response)
    return content if isinstance(content, dict) else {}


def said_by(problem: Mapping[str, Any], response: httpx.Response) -> str:
    """The title and the detail of a problem, on one line without a full stop at its end."""
    title = problem.get("title") or problem.get("message") or response.reason_phrase or "no reason given"
    return ": ".join(str(part).rstrip(".") for part in (title, problem.get("detail")) if part)


def errors_of(problem: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a problem says is wrong with each place of the request."""
    errors = problem.get("errors")
    given = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    return [{"pointer": str(each.get("pointer", "")), "detail": str(each.get("detail", ""))} for each in given]
