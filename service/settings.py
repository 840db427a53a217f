"""The settings of the service, read from ``DOFS_*`` environment variables only.

They are a plain dataclass, because a validation library would slow down every cold start.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from service.orders.policy import Policy

PREFIX = "DOFS_"
WEEK = 7 * 86_400
CLOUDS = ("embedded", "localstack", "aws")
API_AUTHS = ("none", "api_key", "iam", "cognito")
LOG_FORMATS = ("json", "text")
EMBEDDED_WAREHOUSES = ("direct", "http")
WORKFLOW_TYPES = ("STANDARD", "EXPRESS")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
SWITCH = ("off", "on")
SECRET_ARN = re.compile(r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[!-~]+")
TIMEOUTS = 6
"""The queue's visibility timeout is at least so many timeouts of the function. An attempt therefore ends before its
lease, and its lease before the queue delivers the message again.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""
API_CALLERS = re.compile(r"([a-z0-9]+=[a-z0-9-]+(,|$))*")
ORIGIN = re.compile(r"https?://[^/*,\s]+")
AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn", ".aws")
LONGEST_CANCEL = 5.0  # seconds that a request waits for the warehouse; the reconciler repeats the question
COMMAND_LINE = frozenset({"DOFS_API_URL", "DOFS_API_KEY"})
"""Variables of the command line ``dofs``; the service ignores them."""


EMBEDDED_DEFAULTS = {
    "DOFS_CLOUD": "embedded",
    "DOFS_REGION": "ap-south-1",
    "DOFS_LOG_FORMAT": "text",
    "DOFS_STATUS_SHARDS": "2",
    "DOFS_FUNCTION_TIMEOUT": "5",
    "DOFS_DEADLINE_MARGIN": "1",
    "DOFS_VISIBILITY_TIMEOUT": "30",
    "DOFS_RETRY_DELAY": "2",
    "DOFS_RESTART_AFTER": "10",
    "DOFS_RECOVER_AFTER": "60",
    "DOFS_RESEND_AFTER": "150",
    "DOFS_LOOK_AFTER": "10",
    "DOFS_DUE_AFTER": "300",
    "DOFS_BACKOFF_CEILING": "300",
}
"""Defaults of the embedded cloud that differ: minutes become seconds, and indexes have few partitions, because each
query of the emulator reads the whole table."""


class SettingsError(Exception):
    """Environment variables are missing or wrong; the message names each."""


def setting(
    description: str,
    default: Any = MISSING,
    least: float | None = None,
    most: float | None = None,
    *,
    choices: tuple[str, ...] = (),
    embedded_only: bool = False,
    secret: bool = False,
) -> Any:
    """Declare a setting: its description, default, bounds or choices, and whether only the embedded cloud reads it.

    The value of a ``secret`` is not part of the text of the settings.
    """
    bounds = {"least": least, "most": most, "choices": choices}
    metadata = {"description": description, **bounds, "embedded_only": embedded_only}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True)
class _Type:
    description: str
    read: Callable[[str], Any]


_TYPES: dict[Any, _Type] = {
    str: _Type("a text", str),
    int: _Type("a whole number", int),
    float: _Type("a number", float),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one running process. Durations are in seconds unless the name says otherwise."""

    orders_table: str = setting("DynamoDB table of the orders")
    failed_orders_table: str = setting("DynamoDB table of the failed orders")
    queue_url: str = setting("URL of the fulfillment queue")
    dead_letter_queue_url: str = setting("URL of the fulfillment queue's dead-letter queue")
    state_machine_arn: str = setting("ARN of the order workflow")

    cloud: str = setting(f"AWS services to use: {', '.join(CLOUDS)}", "aws", choices=CLOUDS)
    aws_endpoint_url: str = setting("endpoint of an AWS emulator; empty for AWS itself", "")
    region: str = setting("AWS region; empty for the region of the Lambda function", "")
    environment: str = setting("name of the deployment, as in `dofs-orders-dev`", "dev")
    workflow_type: str = setting(
        f"type of the workflow in an emulator: {', '.join(WORKFLOW_TYPES)}", "STANDARD", choices=WORKFLOW_TYPES
    )

    api_auth: str = setting(f"how API Gateway authenticates callers: {', '.join(API_AUTHS)}", "none", choices=API_AUTHS)
    open_api: str = setting(
        "whether anybody may call the API on AWS outside the environment dev, on or off; for DOFS_API_AUTH=none",
        "off",
        choices=SWITCH,
    )
    api_callers: str = setting(
        "callers by the ids of their API keys, as `ID=shop,ID=shop`: the keys of a caller share its orders; "
        "any other key is a caller of its own",
        "",
    )
    cors_origins: str = setting("origins whose pages may call the API, separated by commas", "")
    operator_api: str = setting(
        "whether the API serves the operators' routes and the console, on or off; emulators always do",
        "off",
        choices=SWITCH,
    )
    lenient_bytes: int = setting(
        "largest invalid order that `Prefer: handling=lenient` stores for the workflow to reject, in bytes; "
        "0 switches it off",
        65_536,
        0,
        262_144,
    )
    redrive_rate: float = setting("maximum of orders per second of a bulk redrive", 20, 5, 1000)
    stats_every: float = setting("time before statistics are computed again", 2, 0.2, 60)
    log_level: str = setting("DEBUG, INFO, WARNING or ERROR", "INFO", choices=LOG_LEVELS)
    log_format: str = setting("json (one object per line) or text (for a terminal)", "json", choices=LOG_FORMATS)
    metrics_namespace: str = setting("CloudWatch namespace of the metrics", "DOFS")

    max_attempts: int = setting("attempts to fulfill an order before it becomes FAILED", 3, 1, 100)
    visibility_timeout: int = setting(
        "visibility timeout of the queue; at least six times the timeout of the function", 180, 6, 43_200
    )
    retry_delay: int = setting(
        "time until a message is delivered again after an attempt that did not fulfill its order; "
        "0 for the visibility timeout",
        0,
        0,
        43_199,
    )
    function_timeout: int = setting("timeout of the Lambda function", 30, 1, 900)
    status_shards: int = setting("index partitions of each status, for writes", 8, 1, 256)
    previous_status_shards: int = setting("former number of index partitions; reads use the larger number", 1, 1, 256)

    restart_after: float = setting("age at which the workflow of a RECEIVED order is restarted", 120, 0.1, WEEK)
    recover_after: float = setting(
        "age at which a PROCESSING order with an expired lease is recovered; at least twice the visibility timeout",
        400,
        0.1,
        WEEK,
    )
    resend_after: float = setting(
        "age at which a PENDING order is sent to the queue again; at least five times the visibility timeout",
        900,
        0.1,
        WEEK,
    )
    look_after: float = setting(
        "age at which the reconciler looks at an order at the warehouse; doubled with each look without news",
        300,
        0.1,
        WEEK,
    )
    due_after: float = setting(
        "time that the warehouse has for a delivery, unless it names a due date", 3 * 86_400, 1, 52 * WEEK
    )
    backoff_ceiling: float = setting("longest backoff between two interventions for one order", 3600, 0.1, WEEK)
    restart_limit: int = setting(
        "RECEIVED orders whose workflow one run of the reconciler starts, at most", 15_000, 1, 100_000
    )
    reconcile_limit: int = setting(
        "orders of each other state that one run of the reconciler handles, at most", 1_000, 1, 100_000
    )
    reconcile_parallel: int = setting("orders of one state that the reconciler handles at the same time", 20, 1, 30)
    deadline_margin: float = setting("time before the deadline at which a batch starts no new record", 5, 0, 900)

    warehouse_url: str = setting("base URL of the warehouse; empty for the simulated one", "")
    warehouse_secret: str = setting(
        "secret that signs the requests to the warehouse and its events: `whsec_` and base64; during a rotation two "
        "with a space between them, of which the first signs; on AWS their ARN in Secrets Manager",
        "",
        secret=True,
    )
    fulfillment_success_rate: float = setting("share of simulated attempts that succeed", 0.7, 0, 1)
    fulfillment_seed: str = setting("seed of the simulated outcomes", "dofs")
    fulfillment_latency: float = setting("duration of a simulated attempt", 0, 0, 60)

    embedded_aws_port: int = setting(
        "port on 127.0.0.1 of the embedded AWS endpoint; 0 for a free one", 4566, 0, 65_535, embedded_only=True
    )
    embedded_warehouse: str = setting(
        f"how the simulated warehouse is called: {', '.join(EMBEDDED_WAREHOUSES)}",
        "direct",
        choices=EMBEDDED_WAREHOUSES,
        embedded_only=True,
    )
    embedded_warehouse_args: str = setting(
        "options of the simulated warehouse over HTTP, such as `--lost 0.3`", "", embedded_only=True
    )
    embedded_reconcile_every: float = setting(
        "time between two runs of the embedded reconciler", 5, 0.1, 3600, embedded_only=True
    )
    embedded_executions_kept: int = setting(
        "finished executions whose history stays in memory", 1000, 10, 1_000_000, embedded_only=True
    )

    def __post_init__(self) -> None:
        bounds = (_problem(each, getattr(self, each.name)) for each in fields(self))
        problems = [*filter(None, bounds), *_contradictions(self)]
        if problems:
            raise SettingsError("\n".join(problems))

    @property
    def lease(self) -> float:
        """How long an attempt holds its order. A lease ends before the queue delivers the message again."""
        return self.visibility_timeout / 2

    @property
    def read_shards(self) -> int:
        """Index partitions of each status to read: after a change of their number, former ones hold orders."""
        return max(self.status_shards, self.previous_status_shards)

    @property
    def serves_operators(self) -> bool:
        """Whether the API serves the operators' routes."""
        return self.cloud != "aws" or self.operator_api == "on"

    @property
    def origins(self) -> list[str]:
        """The origins whose pages may call the API, as browsers send them: in lower case."""
        return [origin.strip().lower() for origin in self.cors_origins.split(",") if origin.strip()]

    @property
    def has_owner_index(self) -> bool:
        """Whether the orders table has the index ``by-owner``. ``service/aws/order_index.py`` says why."""
        return self.api_auth == "cognito"

    @property
    def warehouse_secret_is_stored(self) -> bool:
        """Whether ``warehouse_secret`` is the ARN of a secret in Secrets Manager, and not the secret itself."""
        return SECRET_ARN.fullmatch(self.warehouse_secret) is not None

    @property
    def policy(self) -> Policy:
        """The limits and durations of the domain."""
        return Policy(
            max_attempts=self.max_attempts,
            lease=timedelta(seconds=self.lease),
            restart_after=timedelta(seconds=self.restart_after),
            recover_after=timedelta(seconds=max(self.recover_after, 2 * self.visibility_timeout)),
            resend_after=timedelta(seconds=max(self.resend_after, 5 * self.visibility_timeout)),
            look_after=timedelta(seconds=self.look_after),
            due_after=timedelta(seconds=self.due_after),
            backoff_ceiling=timedelta(seconds=self.backoff_ceiling),
            restart_limit=self.restart_limit,
            reconcile_limit=self.reconcile_limit,
            reconcile_parallel=self.reconcile_parallel,
            deadline_margin=timedelta(seconds=self.deadline_margin),
            cancel_seconds=min(LONGEST_CANCEL, self.function_timeout / 4),
            retry_delay=timedelta(seconds=self.retry_delay),
        )

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Args:
            environ: the environment variables; those of the process if None.

        Raises:
            SettingsError: a variable is missing, unknown, of the wrong type or out of bounds.
        """
        given = {
            name: value
            for name, value in (os.environ if environ is None else environ).items()
            if name.startswith(PREFIX) and name not in COMMAND_LINE
        }
        values: dict[str, Any] = {}
        problems: list[str] = []
        for each in fields(cls):
            variable = PREFIX + each.name.upper()
            text = given.pop(variable, "")
            if text:
                try:
                    values[each.name] = _TYPES[each.type].read(text)
                except ValueError:
                    problems.append(f"{variable}={text!r} is not {_TYPES[each.type].description}")
            elif each.default is MISSING:
                problems.append(f"{variable} is missing: {each.metadata['description']}")
        problems += [f"{name} is not a setting of DOFS" for name in sorted(given)]
        if problems:
            read = (each for each in fields(cls) if each.name in values)
            problems += filter(None, (_problem(each, values[each.name]) for each in read))
            raise SettingsError("\n".join(problems))
        return cls(**values)

    def environment_variables(self) -> dict[str, str]:
        """Return the environment variables of a Lambda function with these settings."""
        shown = (each for each in fields(self) if not each.metadata["embedded_only"])
        return {PREFIX + each.name.upper(): _text(getattr(self, each.name)) for each in shown}


def _text(value: Any) -> str:
    """Format a value for a variable. A whole number has no fraction: 5, not 5.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _problem(each: Field[Any], value: Any) -> str | None:
    least, most, choices = (each.metadata[name] for name in ("least", "most", "choices"))
    variable = PREFIX + each.name.upper()
    if choices and value not in choices:
        return f"{variable}={value!r} must be one of {', '.join(choices)}"
    if least is not None and not least <= value <= most:
        return f"{variable}={value} must be between {least} and {most}"
    return None


def _contradictions(settings: Settings) -> list[str]:
    """Describe each rule that the settings break, in terms of their variables."""
    return [*_access(settings), *_durations(settings), *_cloud(settings), *_warehouse(settings)]


def _access(settings: Settings) -> Iterator[str]:
    is_open = settings.cloud == "aws" and settings.api_auth == "none"
    if is_open and settings.environment != "dev" and settings.open_api == "off":
        yield "DOFS_API_AUTH=none lets anybody read all orders: set it, or DOFS_OPEN_API=on if this is meant"
    if not API_CALLERS.fullmatch(settings.api_callers):
        yield f"DOFS_API_CALLERS={settings.api_callers!r} must have the form ID=NAME,ID=NAME, in a-z, 0-9 and -"
    for origin in settings.origins:
        if not ORIGIN.fullmatch(origin):
            yield f"DOFS_CORS_ORIGINS has {origin!r}, but an origin has no path, no slash at its end and no wildcard"
    if is_open and settings.operator_api == "on":
        yield "DOFS_OPERATOR_API=on needs DOFS_API_AUTH: any caller could see and redrive every order"


def _durations(settings: Settings) -> Iterator[str]:
    if settings.visibility_timeout < TIMEOUTS * settings.function_timeout:
        yield (
            f"DOFS_VISIBILITY_TIMEOUT={settings.visibility_timeout} must be at least six times DOFS_FUNCTION_TIMEOUT, "
            f"{TIMEOUTS * settings.function_timeout}: the queue would deliver a message again during an attempt"
        )
    if settings.retry_delay >= settings.visibility_timeout:
        yield (
            f"DOFS_RETRY_DELAY={settings.retry_delay} must be below DOFS_VISIBILITY_TIMEOUT, "
            f"{settings.visibility_timeout}"
        )
    if settings.fulfillment_latency >= settings.lease:
        yield (
            f"DOFS_FULFILLMENT_LATENCY={settings.fulfillment_latency} must be below half of DOFS_VISIBILITY_TIMEOUT, "
            f"{settings.lease}: an attempt must end before its lease does"
        )
    if settings.function_timeout <= settings.deadline_margin <= 900:
        yield (
            f"DOFS_DEADLINE_MARGIN={settings.deadline_margin} must be below DOFS_FUNCTION_TIMEOUT, "
            f"{settings.function_timeout}: there would never be time for a record"
        )


def _cloud(settings: Settings) -> Iterator[str]:
    try:
        host = (urlsplit(settings.aws_endpoint_url).hostname or "").rstrip(".")
    except ValueError:
        host = ""
    if settings.cloud == "aws" and settings.aws_endpoint_url:
        yield "DOFS_AWS_ENDPOINT_URL is for emulators: set DOFS_CLOUD=localstack, or unset it"
    if settings.cloud == "aws" and settings.workflow_type == "EXPRESS":
        yield "DOFS_WORKFLOW_TYPE is for emulators: on AWS, set workflow_type in terraform.tfvars"
    if settings.cloud == "localstack" and (not host or host.endswith(AWS_DOMAINS)):
        yield "DOFS_CLOUD=localstack needs DOFS_AWS_ENDPOINT_URL, and one that is not AWS itself"


def _warehouse(settings: Settings) -> Iterator[str]:
    if settings.embedded_warehouse_args and settings.embedded_warehouse != "http":
        yield "DOFS_EMBEDDED_WAREHOUSE_ARGS needs DOFS_EMBEDDED_WAREHOUSE=http (make run WAREHOUSE=http)"
    if not settings.warehouse_url:
        return
    from service.warehouses.signatures import read_secrets
    from service.warehouses.urls import validate_url

    try:
        validate_url(settings.warehouse_url, emulator=settings.cloud != "aws")
    except ValueError as error:
        yield f"DOFS_WAREHOUSE_URL {error}"
    if settings.warehouse_secret_is_stored:
        return
    if settings.cloud == "aws":  # whoever may read a function's variables would read the secret
        yield "DOFS_WAREHOUSE_SECRET is missing or wrong: on AWS it must be the ARN of a secret in Secrets Manager"
        return
    try:
        read_secrets(settings.warehouse_secret)
    except ValueError as error:
        yield f"DOFS_WAREHOUSE_SECRET is missing or wrong: {error}"
