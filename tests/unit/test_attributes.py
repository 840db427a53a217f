"""Values of rows convert to DynamoDB's attribute values as boto3's serializer converts them."""

from datetime import UTC, datetime

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from service.aws.attributes import from_attribute, to_attribute
from service.orders.lifecycle import Status
from service.orders.model import FieldError

VALUES = st.recursive(
    st.text() | st.integers(-(10**30), 10**30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_is_written_as_boto3_writes_it(value):
    assert to_attribute(value) == TypeSerializer().serialize(value)


@given(VALUES)
def test_a_value_is_read_back_as_it_was(value):
    assert from_attribute(to_attribute(value)) == value == TypeDeserializer().deserialize(to_attribute(value))


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (Status.PENDING, {"S": "PENDING"}),
        (datetime(2026, 1, 31, 9, 30, 0, 123000, UTC), {"S": "2026-01-31T09:30:00.123Z"}),
        (
            (FieldError("/items", "is required"),),
            {"L": [{"M": {"pointer": {"S": "/items"}, "detail": {"S": "is required"}}}]},
        ),
        ((), {"L": []}),
    ],
)
def test_dates_statuses_and_field_errors_are_written_as_text_and_maps(value, attribute):
    assert to_attribute(value) == attribute
    assert all(type(each) is str for each in attribute.values() if isinstance(each, str))


@pytest.mark.parametrize("value", [None, True, 1.5, b"x", {1}, object()])
def test_a_value_of_another_type_is_refused(value):
    with pytest.raises(TypeError, match="no row holds"):
        to_attribute(value)


@pytest.mark.parametrize("attribute", [{"NULL": True}, {"BOOL": False}, {"SS": ["a"]}])
def test_attributes_of_other_types_can_be_read(attribute):
    assert from_attribute(attribute) == (None if "NULL" in attribute else next(iter(attribute.values())))
