"""The API over HTTP: its URL and credentials, its answers, and the errors for the user."""

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

TIMEOUT = 30.0  # seconds; the timeout of API Gateway is 29 seconds
CHECK_URL = "is this the URL of a DOFS API, with its stage, such as /dev?"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiEndpoint:
    """The URL of the API, and the credentials for it."""

    url: str
    api_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    sigv4: bool = False
    region: str | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid or parts.query or parts.fragment or not self.url.isprintable():
            raise CliError(ExitCode.USAGE, "--api takes a URL such as http://127.0.0.1:8000 or https://host/dev.")
        if self.token and self.sigv4:
            raise CliError(
                ExitCode.USAGE, "A request has either a token or a signature: omit --sigv4, or --token and DOFS_TOKEN."
            )
        if parts.username is not None:
            raise CliError(ExitCode.USAGE, "--api takes no user and password; put an API key into DOFS_API_KEY.")

    @property
    def client_options(self) -> dict[str, Any]:
        """The arguments for a client of httpx."""
        headers = {"User-Agent": f"dofs/{__version__}", "Accept": "application/json"}
        return {
            "base_url": self.url.rstrip("/"),
            "headers": {**headers, **auth.credential_headers(self.api_key, self.token)},
            "auth": auth.create_sigv4(self.url, self.region) if self.sigv4 else None,
            "timeout": TIMEOUT,
            # Loading the certificate authorities takes longer than a request. A context without them trusts no
            # certificate, so it is safe for plain HTTP.
            "verify": True if self.url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        }

    def unreachable_error(self, error: Exception) -> CliError:
        """Return the error for the user when the API does not answer."""
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            return CliError(ExitCode.API, f"The API at {self.url} did not answer in {TIMEOUT:.0f} s; try again.")
        return CliError(
            ExitCode.API,
            f"The API at {self.url} cannot be reached ({type(error).__name__}): "
            "start one with `make run`, or give --api.",
        )

    def response_error(self, response: httpx.Response, subject: str) -> CliError:
        """Return the error for the user when the API answers with an error.

        Args:
            response: the answer.
            subject: the subject of the request, such as ``Order ord_1``.
        """
        problem = parse_problem(response)
        status, text = response.status_code, problem_text(problem, response)
        slug = str(problem.get("type", "")).removeprefix("urn:dofs:problem:")
        if status in (401, 403):
            return CliError(
                ExitCode.NOT_AUTHORIZED,
                f"The API at {self.url} denies access ({status}, {text}): check --api-key, --token or --sigv4.",
            )
        if status == 404 and slug in ("order-not-found", "order-not-failed"):
            return CliError(ExitCode.NO_SUCH_ORDER, f"{subject}: {text}.")
        if status == 404 or 300 <= status < 400:
            return CliError(ExitCode.API, f"{subject}: the API at {self.url} has no such route ({status}): {CHECK_URL}")
        if status == 409:
            return CliError(ExitCode.CONFLICT, f"{subject}: {text}.")
        if slug == "no-usable-answer":
            return CliError(ExitCode.API, f"{subject}: {text}.")
        if status >= 500 or status == 429:
            return CliError(ExitCode.API, f"{subject}: the API at {self.url} fails ({status}, {text}); try again.")
        return CliError(
            ExitCode.USAGE, f"{subject}: the API refuses the request ({status}, {text}).", problem_errors(problem)
        )


def read_answer(result: httpx.Response | httpx.TransportError, endpoint: ApiEndpoint, subject: str) -> Any:
    """Return the JSON of a successful answer.

    Raises:
        CliError: the answer is an error, is not a JSON object, or did not arrive.
    """
    if not isinstance(result, httpx.Response):
        raise endpoint.unreachable_error(result) from None
    if not result.is_success:
        raise endpoint.response_error(result, subject)
    content = parse_json(result)
    if not isinstance(content, dict):
        raise CliError(ExitCode.API, f"{subject}: {endpoint.url} does not answer with JSON: {CHECK_URL}")
    return content


def accepted_order_id(response: httpx.Response) -> str | None:
    """Return the id of the order that the API has accepted; None if the answer is not that of a DOFS API."""
    content = parse_json(response)
    if response.status_code == 202 and isinstance(content, dict) and isinstance(content.get("order_id"), str):
        return str(content["order_id"])
    return None


def parse_json(response: httpx.Response) -> Any:
    """Return the JSON of a response, with amounts as ``Decimal``; None if it is not JSON."""
    try:
        return json.loads(response.content, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def parse_problem(response: httpx.Response) -> dict[str, Any]:
    """Return the problem details of an error, or the error object of API Gateway."""
    content = parse_json(response)
    return content if isinstance(content, dict) else {}


def problem_text(problem: Mapping[str, Any], response: httpx.Response) -> str:
    """Return the title and the detail of a problem, on one line, without a full stop at the end."""
    title = problem.get("title") or problem.get("message") or response.reason_phrase or "no reason given"
    return ": ".join(str(part).rstrip(".") for part in (title, problem.get("detail")) if part)


def problem_errors(problem: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the field errors of a problem."""
    errors = problem.get("errors")
    given = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return [{"pointer": str(error.get("pointer", "")), "detail": str(error.get("detail", ""))} for error in given]
