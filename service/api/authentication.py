"""Identifies the caller of a request as API Gateway authenticated them, and their permissions."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from service.api.problems import OrderNotFound, Unauthenticated
from service.orders.identity import ANONYMOUS
from service.orders.json_views import customer_view, operator_view
from service.orders.model import Order
from service.settings import Settings

OPERATORS = "operators"
"""The group of a Cognito user pool whose members are operators. With an API key or IAM, every caller is one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request. ``sees_all``: reads other callers' orders. ``is_operator``: may call operator routes."""

    name: str
    sees_all: bool
    is_operator: bool

    def can_see(self, order: Order) -> bool:
        """Return whether the caller may see an order."""
        return self.sees_all or order.owner == self.name

    def view(self, order: Order) -> dict[str, Any]:
        """Return an order as the caller sees it."""
        return operator_view(order) if self.is_operator else customer_view(order)

    def check_can_see(self, order: Order) -> None:
        """Raise OrderNotFound for another caller's order. A 403 would disclose that the order exists."""
        if not self.can_see(order):
            raise OrderNotFound


def authenticate(request: Request, settings: Settings) -> Caller:
    """Return the caller that API Gateway authenticated. Headers and bodies, which a caller writes, are not read.

    Raises:
        Unauthenticated: the deployment authenticates its callers, and the request has no identity.
    """
    if settings.api_auth == "none":
        return Caller(ANONYMOUS, sees_all=True, is_operator=True)
    context = _object(request.scope.get("aws.event", {}), "requestContext")
    identity, claims = _object(context, "identity"), _object(_object(context, "authorizer"), "claims")
    name = {"api_key": identity.get("apiKeyId"), "iam": identity.get("userArn"), "cognito": claims.get("sub")}[
        settings.api_auth
    ]
    if not isinstance(name, str) or not name:
        raise Unauthenticated
    if settings.api_auth != "cognito":
        return Caller(f"{settings.api_auth}:{name}", sees_all=True, is_operator=True)
    groups = str(claims.get("cognito:groups", "")).split(",")
    is_operator = settings.serves_operators and OPERATORS in groups
    return Caller(f"{settings.api_auth}:{name}", sees_all=is_operator, is_operator=is_operator)


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a member that is a JSON object. API Gateway writes null for an absent one."""
    member = parent.get(name)
    return member if isinstance(member, dict) else {}
