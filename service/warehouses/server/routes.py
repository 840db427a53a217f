"""The routes of the simulated warehouse: the warehouse contract, and the ledger and the faults for tests and people."""

import re
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from service.orders import strict_json
from service.orders.warehouse import OtherItems, State
from service.warehouses.ledger import Ledger, LedgerFull
from service.warehouses.ledger_entries import Item
from service.warehouses.server import page, views
from service.warehouses.server.callback_entries import CallbackExtract
from service.warehouses.server.callbacks import Callbacks
from service.warehouses.server.faults import FaultInjector, Faults
from service.warehouses.server.http import HttpError, Reply, Request, json_reply
from service.warehouses.signatures import BadSignature, verify

KEY = re.compile(r"[!#-\[\]-~]{1,255}")  # printable ASCII without quotation mark and backslash
DETAILS = ("reference", "ship_to", "service_level", "note")
"""The members of a request that the ledger keeps beside the items."""
LOCAL_HOST = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]+)?")
DEFAULT_LIMIT, MAX_LIMIT, MAX_NUMBER = 100, 1000, 999_999_999
GARBAGE = (
    ("text/html", b"<!doctype html><title>Welcome</title>"),
    ("application/json", b'{"order_id":'),
    ("application/json", b"[]"),
    ("application/json", b'{"order_id":"another-d1","status":"shipped","shipments":[]}'),
    ("application/json", b'{"order_id":"another-d1","status":"vanished"}'),
)


class Routes:
    """Answers requests.

    Args:
        ledger: the ledger.
        injector: the faults.
        keys: the keys of the secrets; without one, signatures are not verified.
        clock: the present time in seconds since 1970.
        wait: waits for some seconds; true if the server stops meanwhile.
        callbacks: the callbacks, to show them; None without a receiver.
    """

    def __init__(
        self,
        ledger: Ledger,
        injector: FaultInjector,
        keys: Sequence[bytes],
        clock: Callable[[], float],
        wait: Callable[[float], bool],
        callbacks: Callbacks | None = None,
    ) -> None:
        self._ledger = ledger
        self._injector = injector
        self._keys = keys
        self._clock = clock
        self._wait = wait
        self._callbacks = callbacks

    def answer(self, request: Request) -> Reply | None:
        """Answer a request.

        Returns:
            None if the connection must be closed without an answer.

        Raises:
            HttpError: the request has an error, or a fault happens to it.
        """
        match [unquote(segment, errors="replace") for segment in request.path.split("/")[1:]]:
            case ["orders"]:
                _allow(request, "POST")
                return self._answer_signed(request, lambda: _key_of_header(request), self._ask)
            case ["orders", key] if KEY.fullmatch(key):
                _allow(request, "GET", "HEAD")
                return self._answer_signed(request, lambda: key, self._look)
            case ["orders", key, "cancel"] if KEY.fullmatch(key):
                _allow(request, "PUT")
                return self._answer_signed(request, lambda: key, self._cancel)
            case ["ledger"]:
                _allow(request, "GET", "HEAD")
                limit, *before = _read_query(request.query)
                extract, callbacks = self._ledger.read(limit, *before), self._read_callbacks(limit)
                return json_reply(200, views.show_ledger(extract, callbacks, limit, _may_see_addresses(request)))
            case ["faults"]:
                _allow(request, "GET", "HEAD", "PUT")
                if request.method == "PUT":
                    self._replace_faults(request)
                return json_reply(200, self._injector.faults.as_dict())
            case [""]:
                _allow(request, "GET", "HEAD")
                extract, callbacks = self._ledger.read(page.ROWS), self._read_callbacks(page.ROWS)
                content = page.render(extract, self._injector.faults, callbacks)
                return Reply(
                    200, content.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": page.POLICY}
                )
            case _:
                raise HttpError(HTTPStatus.NOT_FOUND, "There is nothing at this path.")

    def _answer_signed(
        self, request: Request, read_key: Callable[[], str], work: Callable[[Request, str, Faults], Reply]
    ) -> Reply | None:
        """Verify the signature, draw the faults of the request, and do its work between them."""
        if self._keys:
            try:
                verify(self._keys, request.headers, request.body, self._clock())
            except BadSignature:
                raise HttpError(HTTPStatus.UNAUTHORIZED, "The request has no valid signature.") from None
        key = read_key()
        faults, fate = self._injector.draw_fate(key)
        if fate.refusal:
            raise HttpError(
                HTTPStatus(fate.refusal),
                "The simulated warehouse did not take this request.",
                {"Retry-After": faults.wait} if fate.refusal != HTTPStatus.INTERNAL_SERVER_ERROR else None,
            )
        try:
            reply, error = work(request, key, faults), None
        except LedgerFull:
            detail = "The ledger of the simulated warehouse is full; restart it."
            error = HttpError(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": faults.wait})
        except HttpError as raised:
            error = raised
        if (fate.seconds and self._wait(fate.seconds)) or fate.lost:
            return None
        if fate.garbage is not None:
            media_type, body = GARBAGE[fate.garbage % len(GARBAGE)]
            return Reply(200, body, media_type)
        if error:
            raise error
        return reply

    def _ask(self, request: Request, key: str, faults: Faults) -> Reply:
        document = _read_json(request)
        items = _read_items(document, key)
        details = {name: document[name] for name in DETAILS if name in document}
        try:
            delivery = self._ledger.ask(
                key, items, details, declined=faults.declined, refused=faults.refused, closed=faults.closed
            )
        except OtherItems:
            raise HttpError(HTTPStatus.CONFLICT, "The delivery was asked for before, with other items.") from None
        status = {State.ACCEPTED: 202, State.REFUSED: 422}.get(delivery.status, 200)
        return json_reply(status, views.show_state(delivery))

    def _look(self, _: Request, key: str, __: Faults) -> Reply:
        delivery = self._ledger.look(key)
        if delivery is None:
            raise HttpError(HTTPStatus.NOT_FOUND, "There is no delivery of this key.")
        return json_reply(200, views.show_state(delivery))

    def _cancel(self, _: Request, key: str, faults: Faults) -> Reply:
        delivery = self._ledger.cancel(key, asked=faults.cancel_asked, refused=faults.cancel_refused)
        is_asked = delivery.status is State.ACCEPTED and delivery.cancel_asked
        status = 200 if delivery.status is State.CANCELLED else 202 if is_asked else 409
        return json_reply(status, views.show_state(delivery))

    def _read_callbacks(self, limit: int) -> CallbackExtract | None:
        return self._callbacks.read(limit) if self._callbacks else None

    def _replace_faults(self, request: Request) -> None:
        if not request.is_local or "origin" in request.headers:
            raise HttpError(HTTPStatus.FORBIDDEN, "Faults can be changed by programs on this machine only.")
        try:
            self._injector.faults = Faults.read(_read_json(request))
        except ValueError as error:
            raise HttpError(HTTPStatus.BAD_REQUEST, f"{error}.") from None


def _may_see_addresses(request: Request) -> bool:
    """Whether a program on this machine asks, and no page of a web site whose name resolves to this machine."""
    return request.is_local and LOCAL_HOST.fullmatch(request.headers.get("host", "")) is not None


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        allowed = {"Allow": ", ".join(methods)}
        raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, "The path has no such method.", allowed)


def _key_of_header(request: Request) -> str:
    """Return the key of ``Idempotency-Key``, bare or quoted."""
    text = request.headers.get("idempotency-key", "")
    key = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    if not KEY.fullmatch(key):
        detail = "Idempotency-Key must be 1 to 255 printable ASCII characters without space and backslash, in quotes."
        raise HttpError(HTTPStatus.BAD_REQUEST, detail)
    return key


def _read_json(request: Request) -> Any:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body with Content-Type: application/json.")
    try:
        return strict_json.parse(request.body)
    except strict_json.MalformedDocument as error:
        raise HttpError(HTTPStatus.BAD_REQUEST, str(error)) from None


def _read_items(document: Any, key: str) -> list[Item]:
    """Read the items of an order. Unknown members of an item are ignored."""
    if not isinstance(document, dict) or document.get("order_id") != key:
        raise HttpError(HTTPStatus.BAD_REQUEST, "The body must be an object whose order_id is the key of the request.")
    items = document.get("items")
    if not isinstance(items, list) or not items or not all(map(_is_item, items)):
        detail = (
            "items must be a list of objects with line_id and product_id, which are not empty, and a quantity from 1."
        )
        raise HttpError(HTTPStatus.BAD_REQUEST, detail)
    if len({item["line_id"] for item in items}) < len(items):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Each item must have a line_id of its own.")
    return [
        Item(item["line_id"], item["product_id"], item["quantity"], _text(item, "name"), _text(item, "sku"))
        for item in items
    ]


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""


def _is_item(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and all(isinstance(text := item.get(name), str) and text for name in ("line_id", "product_id"))
        and type(quantity := item.get("quantity")) is int
        and quantity >= 1
    )


def _read_query(query: str) -> tuple[int, int | None, int | None]:
    """Read the limit of a page, and the numbers before which its deliveries and parcels begin."""
    values = parse_qs(query, keep_blank_values=True)
    numbers: list[int | None] = []
    for name, most in (("limit", MAX_LIMIT), ("deliveries_before", MAX_NUMBER), ("parcels_before", MAX_NUMBER)):
        text = values.get(name, [""])[0]
        if name in values and not (re.fullmatch(r"[0-9]{1,9}", text) and 1 <= int(text) <= most):
            raise HttpError(HTTPStatus.BAD_REQUEST, f"{name} must be a number from 1 to {most}.")
        numbers.append(int(text) if text else None)
    limit, deliveries_before, parcels_before = numbers
    return limit or DEFAULT_LIMIT, deliveries_before, parcels_before
