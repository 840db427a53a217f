"""The operators' commands without the API: the same domain and adapters as the API's, with IAM credentials."""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from service.aws.clients import EMULATOR_CREDENTIAL
from service.cli.auth import environment_region
from service.cli.aws_queries import failures_of, listing_of
from service.cli.backend import PAGE_SIZE
from service.cli.errors import CliError, ExitCode
from service.cli.log_group import CLOCK_SKEW, DEFAULT_AGE, LogSearch, search_log_group
from service.orders import stats
from service.orders.deliveries import Deliveries
from service.orders.errors import NotAtWarehouse, NoUsableAnswer, OrderUnknown, TooLate
from service.orders.json_views import bulk_result_view, failed_order_view, operator_view, stats_view
from service.orders.metric import Metric
from service.orders.model import Order
from service.orders.ports import Unavailable
from service.orders.redrive import REDRIVE_SECONDS, Pace, Selection, redrive_many
from service.provisioning.names import ALIAS
from service.settings import Settings, SettingsError
from service.wiring import LiveSystem

_DENIED = ("AccessDenied", "ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "InvalidSignature")


logging.getLogger("service").addHandler(logging.NullHandler())  # the commands report errors themselves


class _NoMetrics:
    """Records no metrics: CloudWatch extracts them from the function's log, which this process does not write."""

    def record(self, metric: Metric, value: int = 1, **dimensions: str) -> None:
        """Record nothing."""

    def flush(self) -> None:
        """Write nothing."""


class _OperatorsSystem(LiveSystem):
    metrics = _NoMetrics()


class AwsBackend:
    """A deployment, reached through its AWS resources. Returns the same JSON as the API."""

    def __init__(self, function: str, region: str | None) -> None:
        self._function = function
        self._region = region or environment_region()
        self._endpoint = os.environ.get("AWS_ENDPOINT_URL", "")

    def order(self, order_id: str) -> Any:
        with self._errors():
            return self._view(self._get_order(order_id))

    def orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        with self._errors():
            listing = listing_of(query, self._settings)
            page = self._system.store.list_orders(listing, limit, cursor)
        views = [self._view(order) for order in page.orders]
        return {"orders": views, "sorted_by": listing.sorted_by, "next_cursor": page.next}

    def cancel(self, order_id: str) -> Any:
        reason = "cancellation asked for by an operator"
        return self._act(order_id, lambda deliveries: deliveries.cancel(order_id, self._actor, reason))

    def look(self, order_id: str) -> Any:
        return self._act(order_id, lambda deliveries: deliveries.look_on_request(order_id, self._actor))

    def give_up(self, order_id: str, note: str) -> Any:
        return self._act(order_id, lambda deliveries: deliveries.give_up(order_id, self._actor, note))

    def failed_orders(self, query: Mapping[str, str], limit: int, cursor: Any) -> Any:
        with self._errors():
            page = self._system.store.failed_orders(*failures_of(query), limit, cursor)
        return {"failed_orders": [failed_order_view(failed) for failed in page.orders], "next_cursor": page.next}

    def failed_order(self, order_id: str) -> Any:
        with self._errors():
            failed = self._system.store.get_failed(order_id)
            if failed is None:
                raise CliError(ExitCode.NO_SUCH_ORDER, f"Order {order_id}: There is no failed order with this id.")
            return {**failed_order_view(failed), "order": self._view(self._get_order(order_id))}

    def redrive(self, selection: Mapping[str, Any]) -> Any:
        dry_run = selection["dry_run"]
        with self._errors():
            named = tuple(selection.get("order_ids", ()))
            wanted = Selection(
                named, *failures_of(selection), selection.get("limit", PAGE_SIZE), selection.get("cursor")
            )
            pace = Pace(self._settings.redrive_rate, REDRIVE_SECONDS, time.monotonic, time.sleep)
            new = selection.get("new_delivery", False)
            done = redrive_many(
                wanted, self._actor, selection["note"], pace, self._system, dry_run=dry_run, new_delivery=new
            )
            for result in done.results:
                if result.cause and _is_denied(_aws_error(result.cause)):
                    raise result.cause
        return bulk_result_view(done, done.next, dry_run=dry_run)

    def stats(self) -> Any:
        with self._errors():
            return stats_view(stats.take(self._system))

    def trace(self, order_id: str, since: datetime | None, until: datetime | None) -> LogSearch:
        """Search the function's log for the lines of an order; by default, from the creation of the order."""
        with self._errors():
            order = self._system.store.get(order_id) if since is None else None
            if since is None:
                since = order.created_at - CLOCK_SKEW if order else datetime.now(UTC) - DEFAULT_AGE
            group = self._configuration.get("LoggingConfig", {}).get("LogGroup")
            group = group or f"/aws/lambda/{self._configuration['FunctionName']}"
            search = search_log_group(self._client("logs"), group, order_id, since, until)
        search.reference = order.reference if order else None
        return search

    def close(self) -> None:
        """Do nothing: the connections of boto3 end with the process."""

    def _act(self, order_id: str, act: Callable[[Deliveries], Order]) -> Any:
        """Move an order at the warehouse, and return it."""
        with self._errors():
            try:
                return self._view(act(Deliveries(self._system)))
            except OrderUnknown:
                raise _unknown_order(order_id) from None
            except TooLate as late:
                message = f"Order {order_id}: The order can no longer be cancelled: {late.detail}"
                raise CliError(ExitCode.CONFLICT, message) from None
            except NotAtWarehouse as refused:
                message = f"Order {order_id}: The warehouse does not have the order: {refused.detail}"
                raise CliError(ExitCode.CONFLICT, message) from None
            except NoUsableAnswer:
                message = f"Order {order_id}: The warehouse gave no usable answer: Nothing was changed."
                raise CliError(ExitCode.API, f"{message} Try again later.") from None

    def _view(self, order: Order) -> dict[str, Any]:
        return operator_view(order, self._system.now())

    def _get_order(self, order_id: str) -> Order:
        order = self._system.store.get(order_id)
        if order is None:
            raise _unknown_order(order_id)
        return order

    @cached_property
    def _system(self) -> LiveSystem:
        return _OperatorsSystem(self._settings)

    @cached_property
    def _functions(self) -> Any:
        return self._client("lambda")

    @cached_property
    def _configuration(self) -> Mapping[str, Any]:
        """The configuration of the deployed function."""
        functions = self._functions
        try:
            version = functions.get_alias(FunctionName=self._function, Name=ALIAS)["FunctionVersion"]
            found: Mapping[str, Any] = functions.get_function_configuration(
                FunctionName=self._function, Qualifier=version
            )
        except functions.exceptions.ResourceNotFoundException:
            raise CliError(
                ExitCode.USAGE,
                f"There is no function {self._function} in {functions.meta.region_name}: "
                "give --function, --environment or --region.",
            ) from None
        return found

    @cached_property
    def _settings(self) -> Settings:
        """The settings of the deployment: the environment variables of its function."""
        variables = self._configuration.get("Environment", {}).get("Variables", {})
        if self._endpoint:  # the emulator's address in the function's network may not work here
            variables = {**variables, "DOFS_CLOUD": "localstack", "DOFS_AWS_ENDPOINT_URL": self._endpoint}
        try:
            settings = Settings.load(variables)
        except SettingsError as error:
            raise CliError(
                ExitCode.USAGE,
                f"The settings of {self._function} do not match this version of DOFS: "
                + "; ".join(str(error).split("\n")),
            ) from None
        return settings if settings.region else replace(settings, region=self._functions.meta.region_name)

    @cached_property
    def _actor(self) -> str:
        """The operator, for the timeline."""
        try:
            return f"operator:{self._client('sts').get_caller_identity()['Arn']}"
        except (BotoCoreError, ClientError, KeyError):
            return "operator:aws"

    def _client(self, service: Any) -> Any:
        credential = EMULATOR_CREDENTIAL if self._endpoint else None
        return boto3.client(
            service,
            region_name=self._region,
            endpoint_url=self._endpoint or None,
            aws_access_key_id=credential,
            aws_secret_access_key=credential,
            config=Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}),
        )

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the errors of AWS, and of the access to it, into errors for the user."""
        try:
            yield
        except (BotoCoreError, ClientError, Unavailable) as error:
            raise _cli_error(_aws_error(error), self._endpoint or "AWS") from None


def _aws_error(error: BaseException) -> BaseException:
    """Return the AWS error that caused an adapter's error."""
    return error.__cause__ or error if isinstance(error, Unavailable) else error


def _cli_error(error: BaseException, source: str) -> CliError:
    """Return the error for the user. ``source`` is AWS, or the URL of an emulator."""
    match error:
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError():
            return CliError(ExitCode.NOT_AUTHORIZED, f"There are no AWS credentials ({error}): set AWS_PROFILE.")
        case NoRegionError():
            return CliError(ExitCode.USAGE, "AWS needs a region: give --region, or set AWS_REGION.")
        case ClientError() if _is_denied(error):
            return CliError(ExitCode.NOT_AUTHORIZED, f"{source} denies access: {error}")
        case ClientError():
            return CliError(ExitCode.API, f"{source} refuses the request, or fails: {error}")
        case _:
            return CliError(ExitCode.API, f"{source} cannot be reached: {error}")


def _is_denied(error: BaseException) -> bool:
    return isinstance(error, ClientError) and str(error.response.get("Error", {}).get("Code", "")).startswith(_DENIED)


def _unknown_order(order_id: str) -> CliError:
    return CliError(ExitCode.NO_SUCH_ORDER, f"Order {order_id}: There is no such order.")
