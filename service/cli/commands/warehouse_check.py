"""``dofs warehouse check``: check whether a warehouse keeps the contract."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.confirmation import confirm
from service.cli.context import CommandContext
from service.cli.durations import format_duration
from service.cli.errors import CliError, ExitCode
from service.cli.options import duration_option
from service.cli.render import escape
from service.orders.identity import is_name
from service.warehouses.conformance import LEAST_ORDERS

if TYPE_CHECKING:
    from service.warehouses.conformance.kit import Kit
    from service.warehouses.conformance.results import Result

MOST_ORDERS = 100
LEAST_SECONDS = 1.0
EXAMPLES = (
    "dofs warehouse check https://staging.example.com/v1 --product prod_456",
    "dofs warehouse check http://127.0.0.1:8090 --listen 127.0.0.1:9000 --yes",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", epilog="\n".join(EXAMPLES))(check)


def check(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False, help="The base URL of the warehouse.")],
    secret: Annotated[
        str,
        typer.Option(
            "--secret",
            metavar="SECRET",
            envvar="DOFS_WAREHOUSE_SECRET",
            show_default=False,
            help="The secret of the warehouse, or two with a space between them. Other users of the machine may see an "
            "option; prefer the variable.",
        ),
    ],
    product: Annotated[
        str, typer.Option("--product", metavar="ID", help="The product to ask for; one that the warehouse has.")
    ] = "dofs-check",
    orders: Annotated[
        int, typer.Option("--orders", min=LEAST_ORDERS, max=MOST_ORDERS, help="Ask for at most so many deliveries.")
    ] = 20,
    timeout: Annotated[
        str,
        typer.Option(
            "--timeout", metavar="DURATION", help="The time of all checks. Deliveries should end in half of it."
        ),
    ] = "1m",
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            metavar="HOST:PORT",
            help="Receive the events of the warehouse at this address, and check them. The warehouse must be set up to "
            "send them there.",
        ),
    ] = None,
    private_network: Annotated[
        bool,
        typer.Option("--private-network", help="Allow http:// to a host of a private network, such as a container."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Check whether a warehouse keeps the contract of docs/warehouse.md. Use a staging warehouse.

    The command asks it for some deliveries to a fictitious address, and for cancellations, repeats requests, and sends
    wrongly signed ones. All keys begin with ord_check_. The exit code is 0 if nothing is wrong.
    """
    context: CommandContext = ctx.obj
    _validate_url(url, private_network)
    keys, address, seconds = _read_secrets(secret), _read_address(listen), duration_option("--timeout", timeout)
    if seconds < LEAST_SECONDS:
        raise CliError(ExitCode.USAGE, f"--timeout must be at least {LEAST_SECONDS:.0f}s.")
    if not is_name(product):
        raise CliError(ExitCode.USAGE, "--product takes printable characters without spaces at the ends, up to 128.")
    if not yes:
        confirm(
            f"Ask {url} for up to {orders} deliveries of {escape(product)}? A warehouse in production may ship them.",
            "The checks place orders and ask for confirmation, but there is no terminal: give --yes.",
            "no order was placed.",
        )
    from service.warehouses.conformance.kit import Kit

    try:
        kit = Kit(url, keys, product, orders, seconds, address)
    except OSError as error:
        raise CliError(ExitCode.USAGE, f"--listen {listen}: {error.strerror or error}.") from None
    results = []
    for result in kit.run():
        results.append(result)
        if not context.output.as_json:
            _show(context, result)
    _finish(context, kit, results)


def _validate_url(url: str, private_network: bool) -> None:
    from service.warehouses.urls import validate_url

    try:
        validate_url(url, emulator=private_network)
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"The URL {error}.") from None


def _read_secrets(text: str) -> tuple[bytes, ...]:
    from service.warehouses.signatures import read_secrets

    try:
        return read_secrets(text)
    except ValueError as error:
        raise CliError(ExitCode.USAGE, f"The secret: {error}: check DOFS_WAREHOUSE_SECRET or --secret.") from None


def _read_address(listen: str | None) -> tuple[str, int] | None:
    if listen is None:
        return None
    found = re.fullmatch(r"([A-Za-z0-9.-]+):([0-9]{1,5})", listen)
    if not found or not 0 < int(found[2]) <= 65_535:
        raise CliError(ExitCode.USAGE, "--listen takes a host and a port, such as 127.0.0.1:9000.")
    return found[1], int(found[2])


def _show(context: CommandContext, result: "Result") -> None:
    context.output.line(f"{result.verdict:8}  {result.id:15}  {result.sentence}")
    if result.detail:
        context.output.line(f"{'':10}{result.detail}")


def _finish(context: CommandContext, kit: "Kit", results: "Sequence[Result]") -> None:
    """Show the sums.

    Raises:
        CliError: a check is wrong, or the warehouse was not reached.
    """
    counts = Counter(str(result.verdict) for result in results)
    requests, slowest = len(kit.warehouse.seconds), max(kit.warehouse.seconds, default=0.0)
    figures: dict[str, Any] = {
        "requests": requests,
        "not_taken": len(kit.warehouse.retry_after),
        "unanswered": kit.warehouse.unanswered,
        "slowest_seconds": round(slowest, 3),
    }
    if context.output.as_json:
        context.output.json({"checks": [result.as_dict() for result in results], "counts": counts, **figures})
    elif requests:
        context.output.line(
            f"{counts['right']} right, {counts['wrong']} wrong, {counts['warning']} with a warning, "
            f"{counts['not seen']} not seen. {requests} requests; the slowest answer took {format_duration(slowest)}; "
            f"{figures['not_taken']} were not taken, {figures['unanswered']} had no usable answer."
        )
    wrong = [result.id for result in results if result.verdict == "wrong"]
    if wrong:
        raise CliError(ExitCode.INCOMPLETE, f"The warehouse does not keep the contract: {', '.join(wrong)}.")
    if not counts["right"]:
        raise CliError(ExitCode.API, f"The warehouse was not reached: {results[0].detail}.")
