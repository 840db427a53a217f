"""A text of the warehouse does not show the address and the note of an order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.orders import strict_json
from service.orders.warehouse import Answer, State
from service.warehouses.redaction import hide_personal_data
from tests.warehouses.endpoint import Endpoint, respond
from tests.warehouses.support import order, state, warehouse

ADDRESS = {
    "name": "Anna Schmidt",
    "company": "Söhne & Co",
    "line1": "Am Hof 1",
    "line2": "3. OG",
    "city": "Au",
    "region": "BE",
    "postal_code": "10115",
    "country": "DE",
    "phone": "+49 30 1234567",
    "email": "anna.s@example.com",
}
DOCUMENT = {"ship_to": ADDRESS, "note": "Please ring twice.\nThe old bell does not work."}
LONG_REGION = {**ADDRESS, "region": "Bayern"}
PERSONAL = sorted({*ADDRESS} - {"country"})


@pytest.mark.parametrize("document", [{}, {"ship_to": None, "note": None}, DOCUMENT])
@pytest.mark.parametrize(
    "text", ["", "no longer sold", "Please be patient; it is not in stock", "cannot be sent to DE"]
)
def test_a_text_that_quotes_nothing_is_not_changed(text, document):
    assert hide_personal_data(text, document) == text


@pytest.mark.parametrize(
    "document",
    [{"ship_to": "Am Hof 1"}, {"ship_to": ["Am Hof 1"]}, {"ship_to": {"region": 5, "name": {}}}, {"note": 5}],
    ids=str,
)
def test_a_document_with_members_of_another_type_hides_nothing(document):
    """An event can name an order that was rejected as invalid."""
    assert hide_personal_data("no longer sold", document) == "no longer sold"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("unknown street: Am Hof 1", "unknown street: […]"),
        ("unknown street: am  HOF 1!", "unknown street: […]!"),
        ("ANNA SCHMIDT, Am Hof 1, 10115 Au (DE) is not served", "[…] (DE) is not served"),
        ("Mr Schmidt moved", "Mr […] moved"),
        ("no such mailbox: <anna.s@example.com>", "no such mailbox: <[…]>"),
        ("call 49-30-1234567", "call […]"),
        ("note too long: 'Please ring twice. The old be'", "note too long: '[…] be'"),
        ("the old bell is out of stock", "[…] is out of stock"),
    ],
)
def test_a_quotation_is_hidden(text, hidden):
    assert hide_personal_data(text, DOCUMENT) == hidden


@pytest.mark.parametrize(("region", "shown"), [("OR", "not in Bayern or OR"), ("Bayern", "not in […] or OR")])
def test_a_region_is_hidden_unless_it_is_a_code(region, shown):
    assert hide_personal_data("not in Bayern or OR", {"ship_to": {**ADDRESS, "region": region}}) == shown


def test_a_quotation_in_a_language_without_spaces_is_hidden():
    document = {"ship_to": {**ADDRESS, "line1": "東京都千代田区"}}
    assert hide_personal_data("住所東京都千代田区は存在しません", document) == "住所[…]は存在しません"


@given(st.sampled_from(PERSONAL), st.text(max_size=20), st.text(max_size=20))
def test_a_whole_member_of_the_address_is_hidden_between_any_other_words(member, before, after):
    value = LONG_REGION[member]
    shown = hide_personal_data(f"{before} {value} {after}", {"ship_to": LONG_REGION})
    assert "[…]" in shown
    assert f" {value} " not in shown or f" {value} " in f" {before} {after} "


def test_a_refusal_that_quotes_the_address_is_an_answer_without_it():
    reason = "x" * 150 + ": Anna Schmidt, Am Hof 1, 10115 Au is no address of " + "y" * 100
    asked = order(submission=strict_json.canonical_text({"items": [], **DOCUMENT}))
    with Endpoint(respond(422, state("refused", reason=reason))) as endpoint:
        answer = warehouse(endpoint.url).ask(asked, 30)
    assert answer == Answer(State.REFUSED, ("x" * 150 + ": […] is no address of " + "y" * 100)[:200])
