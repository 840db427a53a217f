"""The simulated warehouse over HTTP beside the embedded cloud: a server in a thread of the same process."""

import shlex
from dataclasses import replace

from service.settings import Settings, SettingsError
from service.warehouses.server.listener import WarehouseServer
from service.warehouses.server.options import create_parser, create_server
from service.warehouses.signatures import new_secret, read_secret

ARGS = "DOFS_EMBEDDED_WAREHOUSE_ARGS"


def create_warehouse(settings: Settings) -> tuple[WarehouseServer, Settings]:
    """Create the server of the settings. It decides about parcels as the simulated warehouse inside the process does.

    Returns:
        The server, which listens, and answers once it is started; and the settings with its URL and a new secret.

    Raises:
        SettingsError: the settings name a warehouse, or its options are no words of a shell.
        SystemExit: an option is wrong, or the port is taken; the message names the cause.
    """
    if settings.warehouse_url:
        raise SettingsError("DOFS_EMBEDDED_WAREHOUSE=http starts a warehouse of its own: unset DOFS_WAREHOUSE_URL")
    try:
        words = shlex.split(settings.embedded_warehouse_args)
    except ValueError as error:
        raise SettingsError(f"{ARGS} cannot be read: {error}") from None
    parser = create_parser(settings.environment_variables(), prog=ARGS, description="Options of the warehouse.")
    secret = new_secret()
    server = create_server(parser.parse_args(words), [read_secret(secret)])
    return server, replace(settings, warehouse_url=server.url, warehouse_secret=secret)
