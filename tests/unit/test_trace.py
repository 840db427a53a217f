"""The trace of an order comes from a W3C header, from an X-Ray header, or is new."""

import pytest

from service.orders.trace import from_xray, new_traceparent, trace_id, valid_traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"


def test_a_traceparent_is_kept_unchanged():
    """The example of the recommendation, section 3.2.2.5."""
    assert valid_traceparent(GIVEN) == GIVEN
    assert trace_id(GIVEN) == TRACE


def test_a_traceparent_of_a_later_version_is_read_as_version_00():
    """Section 4.3: the known fields of a higher version are parsed; the header that is passed on has version 00."""
    assert valid_traceparent(f"cc-{TRACE}-{PARENT}-01") == GIVEN
    assert valid_traceparent(f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like") == GIVEN


@pytest.mark.parametrize(
    "header",
    [
        None,
        5,
        [],
        "",
        "canary",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01\n",
        f"cc-{TRACE}-{PARENT}-01.what",
        f" {GIVEN}",
        f"{GIVEN}, {GIVEN}",
        GIVEN.replace("4", "٤"),
    ],
)
def test_an_invalid_traceparent_is_ignored(header):
    assert valid_traceparent(header) is None


def test_an_xray_trace_is_converted_to_a_traceparent():
    """An X-Ray id is a W3C id in three parts: 1-58406520-a006649127e371903a2de979."""
    header = "Self=1-67891234-12456789abcdef012345678;Root=1-58406520-a006649127e371903a2de979;Sampled=1"
    assert trace_id(from_xray(header)) == "58406520a006649127e371903a2de979"
    assert valid_traceparent(from_xray(header)) == from_xray(header)


ZEROS = "Root=1-00000000-000000000000000000000000"


@pytest.mark.parametrize("header", [None, "", "Root=canary", "Root=1-5840652-a006649127e371903a2de979", ZEROS])
def test_an_invalid_xray_trace_is_ignored(header):
    assert from_xray(header) is None


def test_a_new_traceparent_is_valid():
    ours = new_traceparent(lambda: "7741be7d88cc485ed285b172a83eee5c")
    assert valid_traceparent(ours) == ours
    assert trace_id(ours) == "7741be7d88cc485ed285b172a83eee5c"
    assert trace_id(None) is None
