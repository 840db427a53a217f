"""Hostile bodies: each is refused with a problem, and nothing is stored."""

import pytest

from service.orders.strict_json import MAX_SIZE
from tests.api.client import JSON, LENIENT, Api, assert_problem
from tests.support import valid_order

MAX_ROW = 400 * 1024  # bytes, of an item in DynamoDB
MODES = pytest.mark.parametrize("mode", [{}, LENIENT], ids=["strict", "lenient"])
ORDER = '{"customer_id":"c","items":[{"product_id":"p","quantity":%s,"price":%s}],"total_amount":%s}'

MALFORMED = {
    "nothing": b"",
    "space": b"  \n",
    "NaN": ORDER % (1, "NaN", "NaN"),
    "Infinity": ORDER % (1, "Infinity", "Infinity"),
    "-Infinity": ORDER % (1, "-Infinity", 1),
    "NaN in a member that does not exist": '{"x":NaN}',
    "beyond a double": ORDER % (1, "1e400", "1e400"),
    "below a double": ORDER % (1, "1e-400", "0"),
    "an exponent beyond all": ORDER % (1, "1e" + "9" * 30, "1"),
    "a number of 60,000 digits": ORDER % (1, "1" * 60_000, "1"),
    "a fraction of 60,000 digits": ORDER % (1, "1." + "1" * 60_000, "1"),
    "an exponent of 60,000 digits": ORDER % (1, "1e" + "1" * 60_000, "1"),
    "half of a surrogate pair": '{"customer_id":"\\ud800"}',
    "the other half": '{"customer_id":"\\udc00\\ud800"}',
    "half a pair as a name": '{"\\udfff":1}',
    "a name twice": '{"customer_id":"a","customer_id":"b"}',
    "a name twice, once escaped": '{"customer_id":"a","customer\\u005fid":"b"}',
    "a name twice, deep down": '{"items":[{"price":1,"price":2}]}',
    "60 KB of brackets": "[" * 60_000,
    "60 KB of braces": '{"":' * 15_000,
    "60 KB of closed brackets": "[" * 30_000 + "]" * 30_000,
    "33 levels": "[" * 33 + "]" * 33,
    "33 levels in an order": '{"metadata":' * 33 + "1" + "}" * 33,
    "invalid UTF-8": b'{"customer_id":"\xff"}',
    "a surrogate in UTF-8": b'{"customer_id":"\xed\xa0\x80"}',
    "overlong UTF-8": b'{"customer_id":"\xc0\xaf"}',
    "UTF-16": '{"customer_id":"c"}'.encode("utf-16"),
    "UTF-32": '{"customer_id":"c"}'.encode("utf-32"),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "full-width digits": ORDER % ("１", "1", "1"),
    "digits with an underscore": ORDER % ("1_000", "1", "1000"),
    "a hexadecimal number": ORDER % ("0x10", "1", "16"),
    "a leading zero": ORDER % ("01", "1", "1"),
    "a plus sign": ORDER % ("+1", "1", "1"),
    "a point without digits": ORDER % ("1", "1.", "1"),
    "a comment": '{"a":1/**/}',
    "a trailing comma": '{"a":1,}',
    "single quotes": "{'a':1}",
    "two documents": "{}{}",
    "a raw control character": '{"a":"\x00"}',
    "form data": b"customer_id=c",
    "XML": b"<order/>",
}

NOT_AN_ORDER = {
    "an array": "[]",
    "an array of orders": f"[{ORDER % (1, 1, 1)}]",
    "a string": '"x"',
    "a number": "5",
    "null": "null",
    "false": "false",
}

INVALID = {
    "an empty object": "{}",
    "true as a quantity": ORDER % ("true", "1", "1"),
    "a string as a quantity": ORDER % ('"1"', "1", "1"),
    "full-width digits in a string": ORDER % ('"１"', "1", "1"),
    "an underscore in a string": ORDER % ('"1_000"', "1", "1000"),
    "a quantity with a fraction": ORDER % ("1.5", "1", "1.5"),
    "a quantity with an exponent": ORDER % ("1e-1", "1", "0.1"),
    "true as a price": ORDER % ("1", "true", "1"),
    "an amount beyond 15 digits": ORDER % ("1", "1e30", "1e30"),
    "a number of 40 digits": ORDER % ("1", "1" * 40, "1" * 40),
    "a hundredth of a cent": ORDER % ("1", "0.0001", "0.0001"),
    "a sum that overflows": ORDER % ("10000", "9999999999999.99", "9999999999999.99"),
    "resource as a field": '{"resource":"/{proxy+}",' + (ORDER % (1, 1, 1))[1:],
    "a proxy event": '{"resource":"/","httpMethod":"GET","path":"/","requestContext":{},' + (ORDER % (1, 1, 1))[1:],
    "an envelope": '{"dofs":{"task":"reconcile"},' + (ORDER % (1, 1, 1))[1:],
    "a batch": '{"Records":[{"eventSource":"aws:sqs"}]}',
    "__proto__": '{"__proto__":{},"constructor":1,"__class__":2}',
    "a format string as a name": '{"{0.__class__}":1,"%s%n":1,"{":1,"}":1}',
    "a format string as a value": ORDER.replace('"c"', '" {0.__class__}"') % (1, 1, 1),
    "7,000 unknown fields": "{" + ",".join(f'"{number}":1' for number in range(7_000)) + "}",
    "a name of 60,000 characters": '{"' + "x" * 60_000 + '":1}',
    "20,000 items": '{"items":[' + "{}," * 20_000 + "{}]}",
    "32 levels": '{"metadata":' * 31 + "{}" + "}" * 31,
}


def assert_nothing_was_kept(api):
    assert (api.stored, api.system.workflow.started, api.system.queue.sent) == ({}, [], [])


@MODES
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_invalid_json_is_refused_in_both_modes(body, mode, api):
    problem = assert_problem(api.send(body, mode), 400, "malformed-json")
    assert len(problem["detail"]) < 120
    assert_nothing_was_kept(api)


@MODES
@pytest.mark.parametrize("body", NOT_AN_ORDER.values(), ids=NOT_AN_ORDER)
def test_a_body_that_is_no_object_is_refused_in_both_modes(body, mode, api):
    assert_problem(api.send(body, mode), 422, "order-invalid")
    assert_nothing_was_kept(api)


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_an_invalid_order_is_refused_at_the_edge(body, api):
    problem = assert_problem(api.send(body), 422, "order-invalid")
    assert 1 <= len(problem["errors"]) <= 101
    assert_nothing_was_kept(api)


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
def test_a_lenient_order_is_stored_and_shown_unchanged(body, api):
    response = api.send(body, LENIENT)
    assert response.status_code == 202
    shown = api.get(response.headers["location"])
    assert (shown.status_code, shown.json()["status"]) == (200, "RECEIVED")
    assert len(api.stored) == 1


@pytest.mark.parametrize("number", ["1e39", "1e-39", "-1E+39", "0e-39", "1e300"])
def test_every_accepted_body_fits_into_a_row(number):
    """A short number such as 1e300 is long in decimal notation. An order too large for a row fails in every retry."""
    api = Api(lenient_bytes=MAX_SIZE)
    numbers = ",".join([number] * ((200 * 1024) // (len(number) + 1)))
    assert api.send(f'{{"x":[{numbers}]}}', LENIENT).status_code == 202
    assert [len(order.submission) < MAX_ROW for order in api.stored.values()] == [True]


@MODES
@pytest.mark.parametrize("size", [262_145, 300_000, 1_000_000])
def test_a_body_above_256_kib_is_too_large(size, mode, api):
    assert_problem(api.send(b"[" * size, mode), 413, "body-too-large")
    assert_nothing_was_kept(api)


def test_a_body_of_256_kib_to_the_byte_is_read(api):
    body = b'{"note":"' + b"x" * (262_144 - 11) + b'"}'
    assert len(body) == 262_144
    assert_problem(api.send(body), 422, "order-invalid")
    assert_problem(api.send(body + b" "), 413, "body-too-large")


@MODES
def test_a_body_without_a_length_is_read_no_further_than_256_kib(mode, api):
    taken = []

    async def endless():
        for number in range(10_000):
            taken.append(number)
            yield b"[" * 1024

    assert_problem(api.send(endless(), mode), 413, "body-too-large")
    assert len(taken) <= 258
    assert_nothing_was_kept(api)


def test_a_body_that_arrives_in_pieces_is_one_body(api):
    order = (ORDER % (1, 1, 1)).encode()

    async def pieces():
        for at in range(len(order)):
            yield order[at : at + 1]

    assert api.send(pieces()).status_code == 202


@pytest.mark.parametrize(
    "length", [b"0", b"5", b"-1", b"", b"x", b"1e9", "٣".encode(), b"\xb2", b"9" * 5000], ids=range(9)
)
def test_a_wrong_content_length_is_not_an_internal_error(length, api):
    headers = [*JSON.items(), ("Content-Length", length)]
    response = api.post("/order", content=ORDER % (1, 1, 1), headers=headers)
    assert response.status_code in (202, 400, 413), response.text


@pytest.mark.parametrize("length", ["262145", "99999999999"])
def test_a_content_length_above_256_kib_is_refused_before_reading(length, api):
    headers = [*JSON.items(), ("Content-Length", length)]
    assert_problem(api.post("/order", content=b"{}", headers=headers), 413, "body-too-large")


@MODES
@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/problem+json",
        "application/*",
        "*/*",
        "json",
        ";application/json",
        "é",
    ],
)
def test_any_other_content_type_is_refused(content_type, mode, api):
    headers = {**mode, "Content-Type": content_type.encode()}
    response = api.post("/order", content=ORDER % (1, 1, 1), headers=headers)
    assert_problem(response, 415, "wrong-media-type")
    assert_nothing_was_kept(api)


def test_an_order_may_carry_any_word_of_an_event_as_a_text(api):
    words = {word: word for word in ("resource", "requestContext", "dofs", "Records", "httpMethod", "path")}
    assert api.post("/order", json=valid_order(metadata=words)).status_code == 202
