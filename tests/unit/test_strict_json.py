"""The JSON documents of orders: accepted text, refused text, and the canonical text that is stored."""

import hashlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.orders import strict_json
from service.orders.strict_json import MalformedDocument

NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


def readable(number: str) -> bool:
    try:
        strict_json.parse(number)
    except MalformedDocument:
        return False
    return True


LEAVES = st.none() | st.booleans() | st.text(max_size=10) | NUMBERS.filter(readable).map(strict_json.parse)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)


def nested(levels: int, innermost: str = "") -> str:
    return "[" * levels + innermost + "]" * levels


REFUSED = {
    "nothing": "",
    "NaN": '{"price": NaN}',
    "Infinity": "[Infinity]",
    "negative Infinity": "[-Infinity]",
    "a fraction beyond every range": "1e400",
    "a negative number beyond every range": "-1e400",
    "a fraction too small for a double": "1e-400",
    "an exponent that no number type holds": "1e999999999999999999999",
    "an integer of 41 digits": "9" * 41,
    "an integer of 5000 digits": "9" * 5000,
    "a fraction of 41 characters": "0." + "1" * 39,
    "the same name twice": '{"a": 1, "a": 2}',
    "the same name twice, once escaped": r'{"a": 1, "\u0061": 2}',
    "the same name twice further down": '{"items": [{"price": 1, "price": 2}]}',
    "half of a surrogate pair": r'["\ud800"]',
    "the other half": r'["\udc00"]',
    "half of a surrogate pair as a name": r'{"\ud800": 1}',
    "half of a surrogate pair that is not escaped": '["\ud800"]',
    "33 levels": nested(33),
    "100,000 levels": nested(100_000),
    "100,000 levels that never end": "[" * 100_000,
    "100,000 levels of objects": '{"a":' * 100_000,
    "a raw line break in a string": '"a\nb"',
    "something after the document": "{} {}",
    "single quotes": "{'a': 1}",
    "a comma too many": "[1,]",
    "a leading zero": "01",
    "a bare fraction": ".5",
    "a plus sign": "+1",
    "a byte order mark": "\ufeff{}",
    "bytes that are not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "an overlong encoding": b'"\xc0\xaf"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_text_that_is_not_strict_json_is_refused(text: str | bytes):
    with pytest.raises(MalformedDocument):
        strict_json.parse(text)


@pytest.mark.parametrize(
    "text", ['{"secret": NaN}', '{"secret": 1, "secret": 2}', '{"secret": "open', r'["secret\ud800"]', "[1e400]"]
)
def test_an_error_does_not_quote_the_document(text: str):
    with pytest.raises(MalformedDocument) as refused:
        strict_json.parse(text)
    assert "secret" not in str(refused.value)
    assert "1e400" not in str(refused.value)


def test_an_error_names_the_position_of_invalid_json():
    with pytest.raises(MalformedDocument, match="line 2, column 8"):
        strict_json.parse('{"a": 1,\n  "b": oops}')


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, true, null, "x"]}', {"a": [1, True, None, "x"]}),
        (b'{"name": "caf\xc3\xa9"}', {"name": "café"}),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\\ud800"', r"\ud800"),
        ("9" * 40, int("9" * 40)),
        ("0." + "1" * 38, Decimal("0." + "1" * 38)),
        ("1e300", Decimal("1e300")),
        ("1e-300", Decimal("1e-300")),
        (nested(32), json.loads(nested(32))),
        (nested(31, "1"), json.loads(nested(31, "1"))),
        (' \t\r\n{"a": {}} \n', {"a": {}}),
    ],
)
def test_strict_json_is_read(text: str | bytes, value: Any):
    assert strict_json.parse(text) == value


@pytest.mark.parametrize("text", ["29.99", "0.1", "59.980", "1e2", "0.30000000000000004"])
def test_numbers_with_a_fraction_or_an_exponent_are_exact_decimals(text: str):
    number = strict_json.parse(text)
    assert isinstance(number, Decimal)
    assert number.as_tuple() == Decimal(text).as_tuple()


def test_whole_numbers_are_read_as_integers():
    number = strict_json.parse("3")
    assert isinstance(number, int)
    assert number == 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None]}, '{"a":[true,null],"b":1}'),
        (Decimal("29.90"), "29.90"),
        (Decimal("1E+5"), "1E+5"),
        (Decimal("1E-7"), "1E-7"),
        (Decimal("1E+200"), "1E+200"),
        (Decimal("1E-200"), "1E-200"),
        ("é\u2028😀", '"é\u2028😀"'),
        ('"\\\n\x00', r'"\"\\\n\u0000"'),
        ((1, 2), "[1,2]"),
        ({}, "{}"),
    ],
)
def test_a_document_is_written_with_sorted_names_exact_amounts_and_no_white_space(value: Any, text: str):
    assert strict_json.canonical_text(value) == text


@given(DOCUMENTS)
@example(strict_json.parse("[-0e0]"))
@example(strict_json.parse("[-0e3]"))
@example(strict_json.parse("[0e39, 0e40, 0e-39, 0e-40, -0.0]"))
@example(strict_json.parse("[1e39, 1e40, 1e-39, 1e-40]"))
def test_canonical_text_is_stable_after_reading(value: Any):
    text = strict_json.canonical_text(value)
    assert strict_json.canonical_text(strict_json.parse_stored(text)) == text


@given(DOCUMENTS)
def test_a_written_document_is_read_back_unchanged(value: Any):
    assert strict_json.parse_stored(strict_json.canonical_text(value)) == value


@given(DOCUMENTS)
def test_canonical_text_is_json(value: Any):
    assert json.loads(strict_json.canonical_text(value), parse_float=Decimal) == value


@given(st.dictionaries(st.text(max_size=5), LEAVES, min_size=2, max_size=6))
def test_the_order_of_names_makes_no_difference(members: dict[str, Any]):
    backwards = dict(reversed(members.items()))
    assert strict_json.canonical_text(backwards) == strict_json.canonical_text(members)


@given(st.integers(min_value=0, max_value=999_999_999_999_999))
def test_amounts_of_fifteen_digits_survive_a_reader_that_makes_floats(cents: int):
    sent = f"{cents // 100}.{cents % 100:02}"
    assert strict_json.from_python({"price": json.loads(sent)}) == {"price": Decimal(sent)}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e301, "\ud800", {"a": ["\udfff"]}])
def test_python_values_follow_the_same_rules(value: Any):
    with pytest.raises(MalformedDocument):
        strict_json.from_python(value)


def test_a_python_value_nested_too_deep_is_refused():
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(MalformedDocument, match="nested deeper than 32"):
        strict_json.from_python(value)


def test_a_fingerprint_is_the_sha_256_of_the_text():
    assert strict_json.fingerprint("{}") == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert strict_json.fingerprint('"é"') == hashlib.sha256('"é"'.encode()).hexdigest()


@given(st.text(max_size=20), st.text(max_size=20))
def test_only_equal_texts_have_the_same_fingerprint(one: str, other: str):
    assert (strict_json.fingerprint(one) == strict_json.fingerprint(other)) is (one == other)
