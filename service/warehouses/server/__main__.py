"""Starts the simulated warehouse as a server."""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path

from service.warehouses.ledger import CAPACITY, Ledger
from service.warehouses.server.faults import Faults
from service.warehouses.server.listener import HOST, WarehouseServer
from service.warehouses.signatures import read_secret

SECRET = "DOFS_WAREHOUSE_SECRET"  # noqa: S105
PORT = 8090
EPILOG = f"""
Routes: the warehouse contract (POST /orders, GET /orders/{{key}}, PUT
/orders/{{key}}/cancel); GET / shows the ledger as a page, GET /ledger as JSON;
GET /faults and, from this machine, PUT /faults read and replace the faults.
The ledger holds keys and items, no addresses; reading it needs no signature.

The ledger is in memory: it is lost when the process ends. Decisions and faults
are the same in each run with the same seed, keys and order of requests.

The environment variable {SECRET} holds the secret: whsec_ and
24 to 64 bytes in base64; during a rotation two, with a space between them.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SystemExit: an option is wrong, or the port is taken; the message names the cause.
    """
    parser = _create_parser()
    options = parser.parse_args(arguments)
    keys = _read_keys(parser, options)
    faults = Faults(**{each.name: getattr(options, each.name) for each in fields(Faults)})
    ledger = Ledger(options.seed, options.success_rate, options.capacity)
    try:
        server = WarehouseServer(ledger, keys, faults, options.host, options.port)
    except OSError as error:
        raise SystemExit(
            f"The warehouse cannot listen on {options.host}, port {options.port}: {error.strerror or error}; "
            "choose another one with --host and --port"
        ) from None
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with server:
        sys.stdout.write(f"The simulated warehouse listens on {server.url}\n")
        sys.stdout.flush()
        stop.wait()


def _create_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m service.warehouses.server",
        description="Serve a simulated warehouse over HTTP.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default=HOST, help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=_number(int, 65_535), default=PORT, help="0 for a free one (default: %(default)s)"
    )
    parser.add_argument("--seed", default="dofs", help="seed of decisions and faults (default: %(default)s)")
    parser.add_argument(
        "--success-rate",
        type=_number(float, 1),
        default=0.7,
        metavar="RATE",
        help="share of the deliveries that are shipped; the others are declined (default: %(default)s)",
    )
    parser.add_argument(
        "--capacity",
        type=_number(int, 100_000_000),
        default=CAPACITY,
        metavar="N",
        help="deliveries that the ledger holds; new ones are then answered 503 (default: %(default)s)",
    )
    secrets = parser.add_mutually_exclusive_group()
    secrets.add_argument("--secret-file", type=Path, metavar="FILE", help=f"file with the secret, instead of {SECRET}")
    secrets.add_argument("--unsigned", action="store_true", help="do not verify signatures")
    faults = parser.add_argument_group("faults")
    for each in fields(Faults):
        faults.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=_number(float, each.metadata["most"]),
            default=each.default,
            metavar="SECONDS" if each.metadata["is_duration"] else "RATE",
            help=f"{each.metadata['help']} (default: %(default)g)",
        )
    return parser


def _number(kind: type[int] | type[float], most: float) -> Callable[[str], float]:
    """A type for argparse: a number from 0 up to ``most``."""

    def number(text: str) -> float:
        value = kind(text)
        if not 0 <= value <= most:
            raise argparse.ArgumentTypeError(f"it must be a number from 0 to {most:g}")
        return value

    return number


def _read_keys(parser: argparse.ArgumentParser, options: argparse.Namespace) -> list[bytes]:
    """Read the secrets of the file, or else of the environment; none with ``--unsigned``."""
    if options.unsigned:
        return []
    source = f"--secret-file {options.secret_file}" if options.secret_file else SECRET
    try:
        text = options.secret_file.read_text(errors="replace") if options.secret_file else os.environ.get(SECRET, "")
        keys = [read_secret(word) for word in text.split()]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        parser.error(f"{source} cannot be used: {reason}")
    if not keys:
        parser.error(f"{source} holds no secret: set {SECRET} or --secret-file, or choose --unsigned")
    return keys


if __name__ == "__main__":
    main()
