"""Help, version, completion and wrong usage."""

import subprocess
import sys

import pytest

from service import __version__
from service.cli.errors import ExitCode
from tests.cli.commands import run


def test_help_lists_all_commands_and_exit_codes(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", None)
    ran = run("--help")
    assert ran.code == 0
    for command in (
        "submit",
        "watch",
        "show",
        "list",
        "cancel",
        "failed",
        "warehouse",
        "redrive",
        "trace",
        "stats",
        "load",
    ):
        assert f" {command} " in ran.out
    for code in ExitCode:
        assert f"{code.value}  {code.meaning}" in ran.out
    assert run().out.split() == ran.out.split()


@pytest.mark.parametrize(
    "command",
    [
        *"submit watch show list cancel failed warehouse redrive trace stats load".split(),
        *("failed list", "failed show", "warehouse look", "warehouse cancel", "warehouse give-up", "warehouse check"),
    ],
)
def test_each_command_has_help_without_an_api(command):
    ran = run(*command.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert "Usage: dofs" in ran.out


@pytest.mark.parametrize("arguments", [("--json", "list"), ("list", "--json"), ("list", "--json", "--all")])
def test_the_json_option_may_precede_or_follow_the_command(arguments):
    assert "--owner takes printable characters" in run(*arguments, "--owner", "").err


def test_the_version_is_printed():
    assert run("--version").out == f"dofs {__version__}\n"


def test_completion_is_printed_for_the_shell(monkeypatch):
    monkeypatch.setenv("_DOFS_COMPLETE", "source_bash")
    ran = run()
    assert ran.code == 0
    assert "complete -o default -F _dofs_completion dofs" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense",), "No such command 'nonsense'"),
        (("--nonsense",), "No such option"),
        (("show",), "Missing argument 'ORDER_ID'"),
        (("show", "../stats"), "'../stats' is not the id of an order."),
        (("cancel", ".."), "'..' is not the id of an order."),
        (("warehouse", "look", ".."), "'..' is not the id of an order."),
        (("warehouse", "give-up", "ord_1"), "Missing option '--note'"),
        (("warehouse", "give-up", "ord_1", "--note", " "), "--note must be one line of 1 to 200 characters."),
        (("watch", "a\x1b[31m"), "is not the id of an order."),
        (("watch", "ord_1", "--timeout", "soon"), "--timeout 'soon': a duration is a number with a unit"),
        (("failed", "show", "a" * 65), "is not the id of an order."),
        (("list", "--customer", "c\x1b[31m"), "--customer takes 1 to 128 printable characters"),
        (("list", "--customer", ""), "--customer takes 1 to 128 printable characters"),
        (("list", "--customer", "c" * 129), "--customer takes 1 to 128 printable characters"),
        (("list", "--reference", " #1001"), "without white space at the ends, not ' #1001'."),
        (("list", "--reference", "\udcff"), "--reference takes 1 to 128 printable characters"),
        (("list", "--owner", "\udcff"), "--owner takes printable characters, not '\\udcff'."),
        (("list", "--owner", ""), "--owner takes printable characters, not ''."),
        (("list", "--created-after", "soon"), "--created-after 'soon': a time is 2026-01-31T09:30:00Z, 2026-01-31, or"),
        (("list", "--updated-before", "2026-13-01"), "--updated-before '2026-13-01': a time is"),
        (("list", "--status", "LOST"), "'LOST'"),
        (("stats", "--every", "1ms"), "--every takes 100ms or more."),
        (("load", "--rate", "0"), "--rate"),
        (("load", "--rate", "10000", "--duration", "1h"), "--rate and --duration are for at most 1,000,000 orders."),
        (("submit", "no-such-file.json"), "no-such-file.json cannot be read: No such file or directory."),
        (("submit", "."), "cannot be read"),
        (("submit", "-"), "-: the file is empty."),
        (("submit", "-", "--format", "csv"), "-: the file is empty."),
    ],
)
def test_wrong_usage_is_an_error_with_exit_code_2(arguments, said):
    ran = run("--api", "http://127.0.0.1:9", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "\x1b" not in ran.err


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "typer", None)
    monkeypatch.delitem(sys.modules, "service.cli.app")
    ran = run("stats")
    assert (ran.code, ran.err) == (2, "dofs needs typer: pip install -e '.[cli]'\n")


def test_help_and_version_load_no_http_client_and_no_aws():
    seen = (
        "import sys, service.cli as c; c.main(['--version']); print({'httpx', 'botocore', 'fastapi'} & {*sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout
    assert out.endswith("set()\n")
