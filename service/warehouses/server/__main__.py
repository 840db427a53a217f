"""Starts the simulated warehouse as a server."""

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from service.warehouses.server.options import create_parser, create_server
from service.warehouses.signatures import new_secret, read_secret, read_secrets

URL = "DOFS_WAREHOUSE_URL"
SECRET = "DOFS_WAREHOUSE_SECRET"  # noqa: S105
EPILOG = f"""
Routes: the warehouse contract (POST /orders, GET /orders/{{key}}, PUT
/orders/{{key}}/cancel); GET / shows the ledger as a page, GET /ledger as JSON;
GET /faults and, from this machine, PUT /faults read and replace the faults.
Reading the ledger needs no signature; it shows addresses and notes to
programs on this machine only.

The ledger is in memory: it is lost when the process ends. Decisions and faults
are the same in each run with the same seed, keys and order of requests.

The environment variable {SECRET} holds the secret: whsec_ and
24 to 64 bytes in base64; during a rotation two, with a space between them.
Without one, a new secret is made and printed. The first one signs callbacks.
"""
STARTED = """
Its ledger is a page there, and JSON at {url}/ledger.
To run the system with it:

  {url_variable}={url} {secret_variable}={secret} make run
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SystemExit: an option is wrong, or the port is taken; the message names the cause.
    """
    parser = _create_parser()
    options = parser.parse_args(arguments)
    keys, secret = _read_secrets(parser, options)
    server = create_server(options, [] if options.unsigned else keys, keys[0])
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with server:
        sys.stdout.write(f"The simulated warehouse listens on {server.url}\n")
        sys.stdout.write(STARTED.format(url=server.url, url_variable=URL, secret_variable=SECRET, secret=secret))
        sys.stdout.flush()
        stop.wait()


def _create_parser() -> argparse.ArgumentParser:
    parser = create_parser(
        os.environ,
        prog="python -m service.warehouses.server",
        description="Serve a simulated warehouse over HTTP.",
        epilog=EPILOG,
    )
    secrets = parser.add_mutually_exclusive_group()
    secrets.add_argument("--secret-file", type=Path, metavar="FILE", help=f"file with the secret, instead of {SECRET}")
    secrets.add_argument("--unsigned", action="store_true", help="do not verify signatures")
    return parser


def _read_secrets(parser: argparse.ArgumentParser, options: argparse.Namespace) -> tuple[list[bytes], str]:
    """Read the secrets of the file, or else of the environment. If there is none, or with ``--unsigned``, make one.

    Returns:
        The keys; and the secret as a word of a shell. It shows only a secret that was made.
    """
    text, word = os.environ.get(SECRET, ""), f'"${SECRET}"'
    if options.unsigned or not (options.secret_file or text.strip()):
        word = new_secret()  # the system signs its requests, whether the signatures are verified or not
        return [read_secret(word)], word
    source = SECRET
    try:
        if options.secret_file:
            source, word = f"--secret-file {options.secret_file}", f'"$(cat {shlex.quote(str(options.secret_file))})"'
            text = options.secret_file.read_text(errors="replace")
        keys = [*read_secrets(text)]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        parser.error(f"{source} cannot be used: {reason}")
    return keys, word


if __name__ == "__main__":
    main()
