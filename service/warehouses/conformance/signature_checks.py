"""Checks of signatures. A warehouse that takes unsigned requests ships what anybody asks for."""

import os
from functools import partial

from service.warehouses.conformance.checks import Check
from service.warehouses.conformance.results import NotSeen
from service.warehouses.conformance.run import Run
from service.warehouses.conformance.under_test import Signing
from service.warehouses.signatures import TOLERANCE

UNAUTHORIZED = 401
NOT_ACCEPTED = (401, 403)


def _check_signed(run: Run) -> None:
    _expect_accepted(run, run.warehouse.keys[0], "GET, signed with the secret")


def _check_second_secret(run: Run) -> None:
    if len(run.warehouse.keys) < 2:
        raise NotSeen("there is only one secret")
    _expect_accepted(run, run.warehouse.keys[1], "GET, signed with the second secret")


def _expect_accepted(run: Run, key: bytes, sent: str) -> None:
    reply = run.warehouse.look(run.orders.new_order(), Signing(key))
    if reply.status in NOT_ACCEPTED:
        reply.expect(sent, (200, 404))


def _expect_refused(run: Run, signing: Signing, how: str) -> None:
    order, warehouse = run.orders.new_order(), run.warehouse
    for method, send in (("POST", warehouse.ask), ("GET", warehouse.look), ("PUT", warehouse.cancel)):
        send(order, signing).expect(f"{method} {how}", (UNAUTHORIZED,))


def _check_unsigned(run: Run) -> None:
    _expect_refused(run, Signing(None), "without a signature")


def _check_wrong_secret(run: Run) -> None:
    _expect_refused(run, Signing(os.urandom(32)), "signed with another secret")


def _check_other_body(run: Run) -> None:
    _expect_refused(run, Signing(run.warehouse.keys[0], other_body=True), "signed over another body")


def _check_time(run: Run, offset: int, how: str) -> None:
    _expect_refused(run, Signing(run.warehouse.keys[0], offset), f"with a time {how}")


FIRST = Check("signed", "A request that is signed with the secret is accepted.", _check_signed)
"""If this one is wrong, all others would be."""

CHECKS = (
    Check("unsigned", "A request without a signature is answered with 401.", _check_unsigned),
    Check("wrong-secret", "A request that is signed with another secret is answered with 401.", _check_wrong_secret),
    Check("other-body", "A request that is signed over another body is answered with 401.", _check_other_body),
    Check(
        "too-old",
        "A request whose time is more than five minutes ago is answered with 401.",
        partial(_check_time, offset=-2 * TOLERANCE, how="ten minutes ago"),
    ),
    Check(
        "too-new",
        "A request whose time is more than five minutes ahead is answered with 401.",
        partial(_check_time, offset=2 * TOLERANCE, how="ten minutes ahead"),
    ),
    Check("second-secret", "During a rotation, both secrets are accepted.", _check_second_secret),
)
