"""The command ``dofs``: its global options, its commands, and its error messages."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from service.cli.commands import failed, load, orders, redrive, smoke, stats, submit, trace, warehouse
from service.cli.context import CommandContext
from service.cli.errors import CliError, ExitCode
from service.cli.render import Output

DEFAULT_URL = "http://127.0.0.1:8000"
SWITCHES = ("--json", "--aws")
EPILOG = "\n".join(
    [
        "[bold]Exit codes[/]",
        *(f"{code.value:3}  {code.meaning}" for code in ExitCode),
        "",
        "[bold]Examples[/]",
        "dofs submit orders.csv",
        "dofs list --status FAILED --all --json | jq -r .order_id",
        "dofs --api https://abc.execute-api.ap-south-1.amazonaws.com/dev --sigv4 stats",
        'dofs --aws redrive --all --reason declined --note "the warehouse is open again"',
    ]
)

app = typer.Typer(
    name="dofs",
    help="Submit, follow and redrive orders.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(requested: bool) -> None:
    if requested:
        from service import __version__

        typer.echo(f"dofs {__version__}")
        raise typer.Exit


@app.callback()
def create_context(
    ctx: typer.Context,
    api: Annotated[
        str, typer.Option("--api", metavar="URL", envvar="DOFS_API_URL", help="The URL of the API, with its stage.")
    ] = DEFAULT_URL,
    api_key: Annotated[
        str | None,
        typer.Option(
            "--api-key",
            metavar="KEY",
            envvar="DOFS_API_KEY",
            help="The API key. Other users of the machine may see an option; prefer the variable.",
        ),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            metavar="TOKEN",
            envvar="DOFS_TOKEN",
            help="The ID token of a Cognito user pool. Prefer the variable.",
        ),
    ] = None,
    sigv4: Annotated[
        bool, typer.Option("--sigv4", help="Sign requests with the AWS credentials of the environment.")
    ] = False,
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help="The AWS region, for --sigv4 and --aws.")
    ] = None,
    aws: Annotated[
        bool,
        typer.Option(
            "--aws",
            help="Run operators' commands without the API, with the AWS credentials of the environment. "
            "May follow the command.",
        ),
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            metavar="NAME",
            help="With --aws: the Lambda function of the deployment; by default dofs-orders-ENVIRONMENT.",
        ),
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", metavar="NAME", help="With --aws: the environment of the deployment.")
    ] = "dev",
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Write one JSON document to stdout, or JSON Lines for lists. May follow the command."
        ),
    ] = False,
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Create the context of the command from the global options."""
    context = CommandContext(
        api, api_key, token, sigv4, region, aws, function or f"dofs-orders-{environment}", Output(as_json)
    )
    ctx.obj = context
    ctx.call_on_close(context.close)


for command in (submit, orders):
    command.add_to(app)
app.add_typer(failed.app, name="failed")
app.add_typer(warehouse.app, name="warehouse")
for command in (trace, redrive, stats, load, smoke):
    command.add_to(app)


def _move_switches_first(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with ``--json`` and ``--aws`` before the command."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    switches = [each for each in SWITCHES if each in arguments[:end]]
    return [*switches, *(each for each in arguments[:end] if each not in SWITCHES), *arguments[end:]]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and write its errors to stderr.

    Args:
        arguments: the arguments after ``dofs``; those of the process if None.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    output = Output(as_json=False)
    try:
        given = sys.argv[1:] if arguments is None else arguments
        typer.main.get_command(app).main(args=_move_switches_first(given), prog_name="dofs")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except CliError as error:
        if str(error):
            output.note(f"dofs: {error}")
        for each in error.errors:
            output.note(f"  {each['pointer'] or '(whole)'}: {each['detail']}")
        return error.code
    except (KeyboardInterrupt, EOFError):
        output.note("dofs: interrupted.")
        return ExitCode.INTERRUPTED
    except Exception as error:
        output.note(
            f"dofs: unexpected error ({type(error).__name__}: {str(error)[:200]}): "
            "the versions of dofs and the API may differ."
        )
        return ExitCode.API
    return ExitCode.DONE
