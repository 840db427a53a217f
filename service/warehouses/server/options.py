"""The options of the simulated warehouse's server."""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from service.orders.shipments import MAX_SHIPMENTS
from service.warehouses.ledger import CAPACITY, Ledger
from service.warehouses.picking import Picking
from service.warehouses.server.faults import MAX_SECONDS, Faults
from service.warehouses.server.listener import HOST, WarehouseServer

PORT = 8090
MAX_DUE_SECONDS = 30 * 86_400.0
SEED, SUCCESS_RATE, LATENCY = "DOFS_FULFILLMENT_SEED", "DOFS_FULFILLMENT_SUCCESS_RATE", "DOFS_FULFILLMENT_LATENCY"
"""The settings of the simulation inside the process. They are the defaults of the options, so both decide alike."""


def create_parser(environ: Mapping[str, str], **texts: Any) -> argparse.ArgumentParser:
    """Create the parser of the options.

    Args:
        environ: environment variables; settings of the simulated warehouse in it change the defaults.
        texts: more arguments of the parser, such as its description.
    """
    parser = argparse.ArgumentParser(formatter_class=argparse.RawDescriptionHelpFormatter, **texts)
    parser.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_number(int, 65_535), default=PORT, help="0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--seed",
        default=environ.get(SEED) or "dofs",
        help=f"seed of decisions and faults (default: {SEED}, %(default)s)",
    )
    parser.add_argument(
        "--success-rate",
        type=_number(float, 1),
        default=environ.get(SUCCESS_RATE) or "0.7",
        metavar="RATE",
        help=f"share of shipped deliveries; the others are declined (default: {SUCCESS_RATE}, %(default)s)",
    )
    parser.add_argument(
        "--capacity",
        type=_number(int, 100_000_000),
        default=CAPACITY,
        metavar="N",
        help="deliveries that the ledger holds; new ones are then answered 503 (default: %(default)s)",
    )
    parser.add_argument(
        "--callback-url",
        type=_url,
        metavar="URL",
        help="send a signed callback to this URL for each event (default: none)",
    )
    _add_picking(parser)
    _add_faults(parser, environ.get(LATENCY) or "0")
    return parser


def create_server(
    options: argparse.Namespace, keys: Sequence[bytes], callback_key: bytes | None = None
) -> WarehouseServer:
    """Create the server of parsed options.

    Args:
        options: what the parser has returned.
        keys: the keys of the secrets; without one, signatures are not verified.
        callback_key: the key that signs callbacks; by default, the first of ``keys``.

    Raises:
        SystemExit: it cannot listen on the address; the message names the cause.
    """
    faults = Faults(**{each.name: getattr(options, each.name) for each in fields(Faults)})
    picking = Picking(options.accepted, options.parcels, options.pick_seconds, options.due_seconds)
    ledger = Ledger(options.seed, options.success_rate, options.capacity, picking=picking)
    callbacks = {"callback_url": options.callback_url, "callback_key": callback_key}
    try:
        return WarehouseServer(ledger, keys, faults, options.host, options.port, **callbacks)
    except OSError as error:
        raise SystemExit(
            f"The warehouse cannot listen on {options.host}, port {options.port}: {error.strerror or error}; "
            "choose another one with --host and --port"
        ) from None


def _add_picking(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("work on deliveries")
    group.add_argument(
        "--accepted",
        type=_number(float, 1),
        default="0",
        metavar="RATE",
        help="share of deliveries that are accepted first (202) and worked on later (default: %(default)s)",
    )
    group.add_argument(
        "--parcels",
        type=_number(int, MAX_SHIPMENTS, least=1),
        default="1",
        metavar="N",
        help="the most parcels of a delivery (default: %(default)s)",
    )
    group.add_argument(
        "--pick-seconds",
        type=_number(float, MAX_SECONDS),
        default="1",
        metavar="SECONDS",
        help="time until an accepted delivery ships its first parcel, and between parcels (default: %(default)s)",
    )
    group.add_argument(
        "--due-seconds",
        type=_number(float, MAX_DUE_SECONDS),
        metavar="SECONDS",
        help="time until an accepted delivery is due; named in its state as due_at (default: no due_at)",
    )


def _add_faults(parser: argparse.ArgumentParser, latency: str) -> None:
    """Add an option for each fault. With a latency, every answer is slow by default."""
    defaults = {each.name: f"{each.default:g}" for each in fields(Faults)}
    if latency != "0":
        defaults |= {"slow": "1", "slow_seconds": latency}
    group = parser.add_argument_group("faults")
    for each in fields(Faults):
        group.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=_number(float, each.metadata["most"]),
            default=defaults[each.name],
            metavar="SECONDS" if each.metadata["is_duration"] else "RATE",
            help=f"{each.metadata['help']} (default: %(default)s)",
        )


def _number(kind: type[int] | type[float], most: float, least: float = 0) -> Callable[[str], float]:
    """A type for argparse: a number from ``least`` up to ``most``."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"it must be a number from {least:g} to {most:g}")
        return value

    return number


def _url(text: str) -> str:
    """A type for argparse: an HTTP URL. The error does not quote it, because a wrong one may hold a password."""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or "@" in parts.netloc or "#" in text or not re.fullmatch(r"[!-~]+", text):
        raise argparse.ArgumentTypeError("it must be an http or https URL without a user name and a fragment")
    return text
