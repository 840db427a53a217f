"""The command ``dofs``: its global options, its commands, and what becomes of their errors."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from service.cli.commands import failed, load, orders, redrive, smoke, stats, submit, trace
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
        'dofs --aws redrive --all --reason declined --note "the warehouse is back"',
    ]
)

app = typer.Typer(
    name="dofs",
    help="Submit orders, follow them, and look after those that failed.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from service import __version__

        typer.echo(f"dofs {__version__}")
        raise typer.Exit


@app.callback()
def options(
    ctx: typer.Context,
    api: Annotated[
        str, typer.Option("--api", metavar="URL", envvar="DOFS_API_URL", help="The API, with its stage.")
    ] = DEFAULT_URL,
    api_key: Annotated[
        str | None,
        typer.Option("--api-key", metavar="KEY", envvar="DOFS_API_KEY", help="The API key; better in the variable."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token", metavar="TOKEN", envvar="DOFS_TOKEN", help="A user pool's ID token; better in the variable."
        ),
    ] = None,
    sigv4: Annotated[
        bool, typer.Option("--sigv4", help="Sign requests with the environment's AWS credentials.")
    ] = False,
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help="AWS region, for --sigv4 and --aws.")
    ] = None,
    aws: Annotated[
        bool,
        typer.Option(
            "--aws",
            help="Operators' commands without the API, with the environment's AWS credentials. Also after the command.",
        ),
    ] = False,
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            metavar="NAME",
            help="With --aws: the deployment's function; dofs-orders-ENVIRONMENT if not given.",
        ),
    ] = None,
    environment: Annotated[
        str, typer.Option("--environment", metavar="NAME", help="With --aws: the deployment's environment.")
    ] = "dev",
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="One JSON document on stdout; JSON Lines for lists. Also after the command.",
        ),
    ] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Take the global options."""
    context = CommandContext(
        api, api_key, token, sigv4, region, aws, function or f"dofs-orders-{environment}", Output(as_json)
    )
    ctx.obj = context
    ctx.call_on_close(context.close)


for command in (submit, orders):
    command.add_to(app)
app.add_typer(failed.app, name="failed")
for command in (trace, redrive, stats, load, smoke):
    command.add_to(app)


def _switches_first(arguments: Sequence[str]) -> list[str]:
    """The command line with ``--json`` and ``--aws`` before the command, wherever they were written."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = [each for each in SWITCHES if each in arguments[:end]]
    return [*given, *(each for each in arguments[:end] if each not in SWITCHES), *arguments[end:]]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and answer for its errors in one sentence each.

    Args:
        arguments: the command line; the process's own if None.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    errors = Output(as_json=False)
    try:
        given = sys.argv[1:] if arguments is None else arguments
        typer.main.get_command(app).main(args=_switches_first(given), prog_name="dofs")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.DONE
    except CliError as stop:
        if str(stop):
            errors.note(f"dofs: {stop}")
        for each in stop.errors:
            errors.note(f"  {each['pointer'] or '(whole)'}: {each['detail']}")
        return stop.code
    except (KeyboardInterrupt, EOFError):
        errors.note("dofs: interrupted.")
        return ExitCode.INTERRUPTED
    except Exception as error:
        errors.note(
            f"dofs: this should not have happened ({type(error).__name__}: {str(error)[:200]}): "
            "dofs and the API may be of different versions."
        )
        return ExitCode.API
    return ExitCode.DONE
