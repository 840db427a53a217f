"""`dofs trace --file`: the log lines of an order, in order of time."""

import json

import pytest

from tests.cli.commands import run
from tests.cli.log_lines import ORDER, ORDER_LINES, TRACE, line, messages, raw


def trace_lines(*lines, arguments=(), order=ORDER):
    """Trace an order in lines on standard input."""
    text = "\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines)
    return run("trace", order, "--file", "-", *arguments, stdin=text.encode("utf-8", "surrogatepass"))


def test_lines_are_shown_in_order_of_time():
    ran = trace_lines(*ORDER_LINES)
    assert (ran.code, ran.err) == (0, "")
    head, _, headings, *rows = ran.out.splitlines()
    assert head.split() == [ORDER, "2026-01-31", "4", "lines", "in", "1.5", "s", "trace", TRACE]
    assert headings.split() == "time (UTC) +ms event outcome attempt took ms message".split()
    assert [row.split() for row in rows] == [
        ["09:30:00.123", "0", "api", "202", "–", "–", "m0"],
        ["09:30:00.223", "100", "validate", "ok", "–", "–", "m100"],
        ["09:30:00.423", "300", "batch", "fulfilled", "1", "12.5", "m300"],
        ["09:30:01.623", "1,500", "batch", "attempt_failed:", "declined", "2", "–", "WARNING", "m1500"],
    ]


def test_json_output_has_all_fields_of_the_lines():
    ran = trace_lines(*ORDER_LINES, raw('"n":1.10,"big":12345678901234567890,"é":"\\u001b"'), arguments=("--json",))
    assert ran.code == 0
    assert ran.lines[:4] == [ORDER_LINES[1], ORDER_LINES[2], ORDER_LINES[0], ORDER_LINES[3]]
    assert '"n":1.10,"big":12345678901234567890' in ran.out
    assert ran.out.isascii()


def test_lines_that_name_the_order_or_share_its_trace_belong_to_it():
    lines = (
        line(1, trace_id=TRACE),
        line(2, trace_id=TRACE, order_id=None),
        line(3, trace_id=TRACE, order_id="ord_other"),
        line(4, trace_id="0" * 32),
        line(5, order_id=f"{ORDER}0"),
        line(6, order_id=[ORDER]),
        line(7, order_id={"S": ORDER}, trace_id=TRACE),
        line(8, order_id=ORDER, trace_id=TRACE),
        line(9, order_id=ORDER, _aws={"Timestamp": 1}),
        line(10, trace_id=TRACE, _aws={"Timestamp": 1}),
        line(11, order_id=ORDER, trace_id={"a": 1}),
        line(12, message=f"tells of {ORDER}"),
    )
    assert messages(trace_lines(*lines, arguments=("--json",))) == ["m1", "m2", "m8", "m11"]


def test_lines_of_one_millisecond_keep_their_sequence():
    lines = [line(1, order_id=ORDER, trace_id=TRACE, message=str(number)) for number in range(12)]
    lines[0].pop("order_id")  # it belongs to the order only by its trace, which a later line names
    assert messages(trace_lines(*lines, arguments=("--json",))) == [str(number) for number in range(12)]


@pytest.mark.parametrize("at", ["soon", 5, None, ["x"], "2026-01-31T09:30:00", "0001-01-01T00:00:00+23:00"])
def test_a_line_without_a_timestamp_is_last(at):
    ran = trace_lines(line(9, order_id=ORDER, timestamp=at, message="some time"), *ORDER_LINES)
    assert ran.code == 0
    assert ran.out.splitlines()[-1].split() == ["–", "–", "–", "–", "–", "–", "some", "time"]


def test_dates_are_shown_if_there_are_several():
    ran = trace_lines(line(0, order_id=ORDER), line(86_400_000, order_id=ORDER))
    assert "2026-01-31 09:30:00.123" in ran.out
    assert "2026-02-01 09:30:00.123" in ran.out
    assert "86,400,000" in ran.out


def test_get_requests_are_counted_and_their_traces_are_not_followed():
    look = line(50, event="api", route="GET /orders/{order_id}", order_id=ORDER, trace_id="9" * 32, outcome="200")
    missed = line(60, event="api", route="GET /orders/{order_id}", order_id=ORDER, trace_id="8" * 32, outcome="404")
    ran = trace_lines(*ORDER_LINES, look, look, missed, line(70, trace_id="9" * 32))
    head, _, _, *rows = ran.out.splitlines()
    assert "5 lines in 1.5 s, without 2 of GET requests (--json shows them)" in head
    assert "999" not in ran.out
    assert [row.split()[3] for row in rows] == ["202", "404", "ok", "fulfilled", "attempt_failed:"]
    assert len(trace_lines(*ORDER_LINES, look, look, missed, arguments=("--json",)).lines) == 7
    assert "1 line in 0 ms" in trace_lines(look).out


def test_messages_are_shown_without_the_orders_id_at_their_start():
    ran = trace_lines(
        line(1, order_id=ORDER, message=f"order {ORDER}: done"), line(2, order_id=ORDER, message=f"a {ORDER}")
    )
    assert [row.rstrip().split("  ")[-1] for row in ran.out.splitlines()[3:]] == ["done", f"a {ORDER}"]


def test_the_last_line_of_an_exception_is_shown():
    ran = trace_lines(
        line(order_id=ORDER, level="ERROR", exception="Traceback (most …):\n  File …\nValueError: no such thing")
    )
    assert "  ERROR m0 (ValueError: no such thing)" in ran.out
    assert "Traceback" not in ran.out


HOSTILE = "first\n\x1b[31mred\x1b]0;title\x07 [bold]markup[/bold] :smile: \u202ebidi \x9b31m \r next"


@pytest.mark.parametrize(
    "name", ["message", "event", "outcome", "reason", "attempt", "duration_ms", "exception", "level", "trace_id"]
)
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_control_characters_in_a_line_are_escaped(name, arguments):
    content = {"order_id": ORDER, name: HOSTILE}
    ran = trace_lines(json.dumps(line(**content), ensure_ascii=False), arguments=arguments)
    assert ran.code == 0
    assert all(each.isprintable() or each == "\n" for each in ran.out)
    assert "bidi" not in ran.out or "\\u202ebidi" in ran.out
    if name != "level":
        assert "[31mred" in ran.out
    if arguments:
        assert ran.lines[0][name] == HOSTILE


def test_control_characters_in_field_names_are_escaped():
    ran = trace_lines(raw('"\x9b31m":1'), arguments=("--json",))
    assert ran.out == raw('"\\u009b31m":1') + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "null",
        "5",
        f'"{ORDER}"',
        f'["order_id", "{ORDER}"]',
        raw('"n":1')[:-1],
        raw('"n":NaN'),
        raw(f'"n":{"9" * 5000}'),
        raw(f'"n":{"[" * 100_000}{"]" * 100_000}'),
        raw(f'"n":"{"x" * 2_000_000}"'),
        "\x1b[31m",
    ],
    ids=range(11),
)
def test_lines_that_are_not_json_objects_are_skipped_and_counted(text):
    ran = trace_lines(text, "", *ORDER_LINES, text)
    assert ran.code == 0
    assert ran.err == "Skipped 2 of 6 lines: they are not JSON objects.\n"
    assert len(ran.out.splitlines()) == 3 + len(ORDER_LINES)


@pytest.mark.parametrize(
    "value",
    [{"a": [1, {"b": None}]}, True, 10**4000, "x" * 90_000, 1.5e300, "\ud800", ""],
    ids=["object", "truth", "digits", "long", "large", "surrogate", "empty"],
)
def test_values_of_other_types_are_shown_and_shortened(value):
    names = ("event", "outcome", "reason", "attempt", "duration_ms", "message", "level", "exception", "error")
    content = json.dumps(line(order_id=ORDER, **dict.fromkeys(names, value)))
    ran = trace_lines(content)
    assert ran.code == 0
    assert len(ran.out) < 3000
    assert trace_lines(content, arguments=("--json",)).lines == [json.loads(content)]


def test_a_deeply_nested_line_is_skipped():
    deep = raw(f'"n":{"[" * 500}{"]" * 500}')
    for arguments in ((), ("--json",)):
        ran = trace_lines(deep, *ORDER_LINES, arguments=arguments)
        assert (ran.code, "[[" in ran.out) == (0, False)


@pytest.mark.parametrize(
    "prefix", ["lambda-1  | ", "dofs-api-1 | ", "api-10|", "\x1b[2K", "\x1b[2Kapi-1  | ", "\ufeff"]
)
def test_the_prefixes_of_docker_compose_are_removed(prefix):
    ran = trace_lines(*(prefix + json.dumps(each) + "\r" for each in ORDER_LINES), arguments=("--json",))
    assert (messages(ran), ran.err) == (["m0", "m100", "m300", "m1500"], "")


def test_a_file_is_read_like_a_pipe(tmp_path):
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(map(json.dumps, ORDER_LINES)))
    ran = run("trace", ORDER, "--file", str(file))
    assert (ran.code, ran.out) == (0, trace_lines(*ORDER_LINES).out)


def test_a_log_without_lines_of_the_order_is_an_error_with_advice():
    ran = trace_lines(line(order_id="ord_other"), "INFO: a text")
    assert (ran.code, ran.out) == (5, "")
    assert f"Order {ORDER}: none of 2 lines belongs to it, and 1 of them are not JSON objects." in ran.err
    assert "DOFS_LOG_FORMAT=json" in ran.err
    assert trace_lines(arguments=("--json",)).code == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((ORDER,), "Give either --aws for the log of the deployed function, or --file FILE for JSON lines."),
        (
            (ORDER, "--aws", "--file", "-"),
            "Give either --aws for the log of the deployed function, or --file FILE for JSON lines.",
        ),
        ((ORDER, "--file", "-", "--since", "1h"), "--since and --until need --aws."),
        ((ORDER, "--file", "no-such-file"), "no-such-file cannot be read: No such file or directory."),
        ((ORDER, "--file", "."), ". cannot be read"),
        ((ORDER, "--aws", "--since", "soon"), "--since 'soon': a time is"),
        ((ORDER, "--aws", "--until", "\x1b"), "--until"),
        ((ORDER, "--aws", "--since", "1h", "--until", "2h"), "--until is not after --since."),
        (('" || "', "--aws"), "is not the id of an order."),
        ((), "Missing argument 'ORDER_ID'"),
    ],
)
def test_wrong_usage_is_an_error(arguments, said):
    ran = run("trace", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "\x1b" not in ran.err
