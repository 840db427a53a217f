"""Signatures agree with the library of the Standard Webhooks project, in both directions."""

import base64
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.warehouses.signatures import BadSignature, new_secret, read_secret, read_secrets, sign, verify
from tests.warehouses.endpoint import Endpoint, respond
from tests.warehouses.support import KEY, SECRET, order, state, warehouse

OTHER = bytes(range(32, 64))
BODY = '{"name":"Zoë"}'.encode()
NOW = 1_800_000_000


@pytest.mark.parametrize("call", ["ask", "look", "cancel"])
def test_every_request_to_a_warehouse_has_a_valid_signature(call):
    with Endpoint(respond(200, state("cancelled"))) as endpoint:
        getattr(warehouse(endpoint.url), call)(order(), 30)
    (request,) = endpoint.requests
    Webhook(SECRET).verify(request.body, request.headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(request.body + b" ", request.headers, json_parse=False)
    with pytest.raises(WebhookVerificationError):
        Webhook(OTHER).verify(request.body, request.headers, json_parse=False)


def test_the_library_accepts_a_signature_of_this_module():
    headers = sign(KEY, "id-1", int(time.time()), BODY)
    Webhook(SECRET).verify(BODY, headers, json_parse=False)


def test_this_module_accepts_a_signature_of_the_library():
    signature = Webhook(SECRET).sign("id-1", datetime.fromtimestamp(NOW, UTC), BODY.decode())
    headers = {"webhook-id": "id-1", "webhook-timestamp": str(NOW), "webhook-signature": signature}
    verify([KEY], headers, BODY, NOW)


def test_a_signature_is_valid_with_either_secret_during_a_rotation():
    headers = sign(KEY, "id-1", NOW, BODY)
    verify([OTHER, KEY], headers, BODY, NOW)
    both = f"v1a,abc {sign(OTHER, 'id-1', NOW, BODY)['webhook-signature']} {headers['webhook-signature']}"
    verify([KEY], {**headers, "webhook-signature": both}, BODY, NOW)


@pytest.mark.parametrize("difference", [-300, 300])
def test_a_request_within_five_minutes_is_valid(difference):
    verify([KEY], sign(KEY, "id-1", NOW + difference, BODY), BODY, NOW)


@pytest.mark.parametrize("difference", [-301, 301])
def test_a_request_from_another_time_is_refused(difference):
    with pytest.raises(BadSignature, match="time"):
        verify([KEY], sign(KEY, "id-1", NOW + difference, BODY), BODY, NOW)


VALID = sign(KEY, "id-1", NOW, BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**VALID, "webhook-id": "id-2"},
        {**VALID, "webhook-timestamp": str(NOW + 1)},
        {**VALID, "webhook-timestamp": ""},
        {**VALID, "webhook-timestamp": "١٨٠٠٠٠٠٠٠٠"},
        {**VALID, "webhook-timestamp": "²"},
        {**VALID, "webhook-timestamp": "9" * 5000},
        {**VALID, "webhook-timestamp": f"-{NOW}"},
        {**VALID, "webhook-signature": ""},
        {**VALID, "webhook-signature": "v1,"},
        {**VALID, "webhook-signature": VALID["webhook-signature"].replace("v1,", "v2,")},
        {**VALID, "webhook-signature": VALID["webhook-signature"].removeprefix("v1,")},
        {**VALID, "webhook-signature": "v1,é"},
        sign(OTHER, "id-1", NOW, BODY),
    ],
)
def test_a_request_with_wrong_headers_is_refused(headers):
    with pytest.raises(BadSignature):
        verify([KEY], headers, BODY, NOW)


def test_a_request_with_another_body_is_refused():
    with pytest.raises(BadSignature, match="no signature"):
        verify([KEY], VALID, BODY + b" ", NOW)


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_secret_holds_24_to_64_bytes(size):
    assert read_secret("whsec_" + base64.b64encode(bytes(size)).decode()) == bytes(size)


def test_two_secrets_are_read_in_their_order():
    assert read_secrets(f"{SECRET}\n") == (KEY,)
    other = new_secret()
    assert read_secrets(f"{other}\t{SECRET} ") == (read_secret(other), KEY)


@pytest.mark.parametrize("text", ["", " \n", f"{SECRET} x", f"x {SECRET}", f"{SECRET},{SECRET}", f"{SECRET} " * 3])
def test_any_other_list_of_secrets_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match="it must") as caught:
        read_secrets(text)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "whsec_", SECRET.removeprefix("whsec_"), f"{SECRET}!", f"{SECRET}\n"]
    + ["whsec_" + base64.b64encode(bytes(size)).decode() for size in (23, 65)],
)
def test_any_other_secret_is_refused_without_being_quoted(text):
    with pytest.raises(ValueError, match="it must be whsec_") as caught:
        read_secret(text)
    assert str(caught.value) == "it must be whsec_ and 24 to 64 random bytes in base64"
