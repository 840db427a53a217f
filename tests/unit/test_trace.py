"""The trace that an order belongs to: W3C's header, X-Ray's, or one of our own."""

import pytest

from service.orders.trace import from_xray, new_traceparent, trace_id, valid_traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GIVEN = f"00-{TRACE}-{PARENT}-01"


def test_a_traceparent_is_carried_as_it_is():
    """The example of the recommendation, section 3.2.2.5."""
    assert valid_traceparent(GIVEN) == GIVEN
    assert trace_id(GIVEN) == TRACE


def test_of_a_version_to_come_what_every_version_has_is_taken():
    """Section 4.3: a higher version is parsed as far as it is known; what is sent on is of this version."""
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
def test_what_is_no_traceparent_is_passed_over(header):
    assert valid_traceparent(header) is None


def test_the_trace_that_api_gateway_began_is_the_same_in_w3cs_form():
    """X-Ray's ids are W3C's, written in three parts: 1-58406520-a006649127e371903a2de979."""
    header = "Self=1-67891234-12456789abcdef012345678;Root=1-58406520-a006649127e371903a2de979;Sampled=1"
    assert trace_id(from_xray(header)) == "58406520a006649127e371903a2de979"
    assert valid_traceparent(from_xray(header)) == from_xray(header)


ZEROS = "Root=1-00000000-000000000000000000000000"


@pytest.mark.parametrize("header", [None, "", "Root=canary", "Root=1-5840652-a006649127e371903a2de979", ZEROS])
def test_what_is_no_trace_of_xray_is_passed_over(header):
    assert from_xray(header) is None


def test_a_trace_of_our_own_is_one_that_others_would_accept():
    ours = new_traceparent(lambda: "7741be7d88cc485ed285b172a83eee5c")
    assert valid_traceparent(ours) == ours
    assert trace_id(ours) == "7741be7d88cc485ed285b172a83eee5c"
    assert trace_id(None) is None
