"""The filters of ``dofs list``, as parameters of the API."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from service.cli.backend import check_name
from service.cli.errors import CliError, ExitCode
from service.cli.options import instant_option
from service.cli.render import escape

CreatedAfter = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Select the orders created at or after this time: 2026-01-31T09:30:00Z, 2026-01-31, 2h.",
    ),
]
CreatedBefore = Annotated[str | None, typer.Option(metavar="TIME", help="Select the orders created before this time.")]
UpdatedAfter = Annotated[
    str | None, typer.Option(metavar="TIME", help="Select the orders last updated at or after this time.")
]
UpdatedBefore = Annotated[
    str | None, typer.Option(metavar="TIME", help="Select the orders last updated before this time.")
]


def names_query(customer: str | None, reference: str | None, owner: str | None) -> dict[str, str]:
    """Return the filter by names.

    Raises:
        CliError: no order can have such a name.
    """
    if owner is not None and not (owner and owner.isprintable()):
        raise CliError(ExitCode.USAGE, f"--owner takes printable characters, not '{escape(owner)[:80]}'.")
    query = {
        "customer_id": customer if customer is None else check_name("--customer", customer),
        "reference": reference if reference is None else check_name("--reference", reference),
        "owner": owner,
    }
    return {name: value for name, value in query.items() if value is not None}


def times_query(**times: str | None) -> dict[str, str]:
    """Return the filter by times.

    Raises:
        CliError: a text is not a time.
    """
    return {name: instant_option(_option(name), text) for name, text in times.items() if text is not None}


@contextmanager
def name_options() -> Iterator[None]:
    """Name options in errors that name parameters of the API."""
    try:
        yield
    except CliError as error:
        raise CliError(error.code, str(error), [_name_option(each) for each in error.errors]) from None


def _name_option(error: Mapping[str, str]) -> dict[str, str]:
    detail = re.sub(r"\b(created|updated)_(after|before)\b", lambda match: _option(match[0]), error["detail"])
    return {"pointer": _option(error["pointer"]), "detail": detail}


def _option(parameter: str) -> str:
    return "--" + parameter.removesuffix("_id").replace("_", "-")
