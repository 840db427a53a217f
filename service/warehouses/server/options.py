"""The options of the simulated warehouse's server."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from service.warehouses.ledger import CAPACITY, Ledger
from service.warehouses.server.faults import Faults
from service.warehouses.server.listener import HOST, WarehouseServer

PORT = 8090
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
    _add_faults(parser, environ.get(LATENCY) or "0")
    return parser


def create_server(options: argparse.Namespace, keys: Sequence[bytes]) -> WarehouseServer:
    """Create the server of parsed options.

    Args:
        options: what the parser has returned.
        keys: the keys of the secrets; without one, signatures are not verified.

    Raises:
        SystemExit: it cannot listen on the address; the message names the cause.
    """
    faults = Faults(**{each.name: getattr(options, each.name) for each in fields(Faults)})
    ledger = Ledger(options.seed, options.success_rate, options.capacity)
    try:
        return WarehouseServer(ledger, keys, faults, options.host, options.port)
    except OSError as error:
        raise SystemExit(
            f"The warehouse cannot listen on {options.host}, port {options.port}: {error.strerror or error}; "
            "choose another one with --host and --port"
        ) from None


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


def _number(kind: type[int] | type[float], most: float) -> Callable[[str], float]:
    """A type for argparse: a number from 0 up to ``most``."""

    def number(text: str) -> float:
        value = kind(text)
        if not 0 <= value <= most:
            raise argparse.ArgumentTypeError(f"it must be a number from 0 to {most:g}")
        return value

    return number
