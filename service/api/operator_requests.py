"""The bodies and the problems that the operators' routes share."""

from typing import Annotated, Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from service.api.body import read_json
from service.api.problems import Problem
from service.orders.redrive import NOTE_LENGTH, NOTE_PATTERN, validate_note


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems of a route by their statuses, for the OpenAPI document."""
    return {status: {"model": Problem} for status in statuses}


def _parse_note(written: object) -> object:
    if not isinstance(written, str):
        return written
    try:
        return validate_note(written)
    except ValueError as error:
        raise PydanticCustomError("note", "{rule}", {"rule": str(error)}) from None


Note = Annotated[
    str,
    BeforeValidator(_parse_note),
    Field(
        min_length=1,
        max_length=NOTE_LENGTH,
        description="The reason. It is part of the order's timeline, which the customer can read.",
        json_schema_extra={"pattern": NOTE_PATTERN},
    ),
]
Body = TypeVar("Body", bound=BaseModel)


async def read_model(request: Request, model: type[Body]) -> Body:
    """Read a JSON body that has the form of a model.

    Raises:
        RequestValidationError: it has another form.
        Exception: as ``read_json``.
    """
    document = await read_json(request)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None


def request_body(model: type[BaseModel]) -> dict[str, Any]:
    """Describe a body that the route reads itself, for the OpenAPI document."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
