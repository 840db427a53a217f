"""Identifies the caller of a request as API Gateway authenticated them, and their permissions."""

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from service.api.problems import OrderNotFound, Unauthenticated
from service.orders.identity import ANONYMOUS
from service.orders.model import Order
from service.settings import Settings

OPERATORS = "operators"
"""The group of a Cognito user pool whose members are operators. With an API key or IAM, every caller is one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request.

    Args:
        name: the owner of the caller's orders. All sessions of a role, and all API keys of a caller, have the same.
        sees_all: whether the caller reads other callers' orders.
        is_operator: whether the caller may call operator routes.
        principal: the session or the key, for the timeline; ``name`` if None.
    """

    name: str
    sees_all: bool
    is_operator: bool
    principal: str | None = None

    @property
    def actor(self) -> str:
        """The operator as the timeline names them."""
        return f"operator:{self.principal or self.name}"

    def can_see(self, order: Order) -> bool:
        """Return whether the caller may see an order."""
        return self.sees_all or order.owner == self.name

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
    principal = f"{settings.api_auth}:{name}"
    if settings.api_auth != "cognito":
        return Caller(_owner(name, settings), sees_all=True, is_operator=True, principal=principal)
    groups = _groups(str(claims.get("cognito:groups", "")), request.headers.getlist("authorization"))
    is_operator = settings.serves_operators and OPERATORS in groups
    return Caller(principal, sees_all=is_operator, is_operator=is_operator)


def _owner(name: str, settings: Settings) -> str:
    """The owner of the orders that an API key or an IAM principal submits."""
    callers = dict(pair.split("=") for pair in settings.api_callers.split(",") if pair)
    if name in callers:  # no ARN is, because it has colons
        return f"api_caller:{callers[name]}"
    return _without_session(f"{settings.api_auth}:{name}")


def _without_session(principal: str) -> str:
    """The principal without the session of a role: each login and each instance has a session of its own.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """
    return re.sub(r"^(iam:arn:[^:]*:sts::[0-9]*:assumed-role/[^/]+)/.*", r"\1", principal)


def _groups(claim: str, tokens: Sequence[str]) -> set[str]:
    """The groups of a user. API Gateway joins them with commas, which a group's name may contain, too.

    So several groups are read from the token, which API Gateway has verified; the claim must have each of them. Of two
    tokens, API Gateway may have verified either one, so that neither counts.
    """
    if "," not in claim:
        return {claim}
    try:
        [token] = tokens
        payload = token.split(".")[1]
        names = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["cognito:groups"]
        return {name for name in names if name in claim}
    except (LookupError, TypeError, ValueError):
        return set()


def _object(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a member that is a JSON object. API Gateway writes null for an absent one."""
    member = parent.get(name)
    return member if isinstance(member, dict) else {}
