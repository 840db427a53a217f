"""The files of shops in ``tests/documents``, as they are or changed, and their import."""

import csv
import io
import json

from service.cli.orders_file import Reading, read_orders
from service.cli.shops.shop import Shop
from tests.documents import DIRECTORY, ORDERS

SHOP_OF = {order.file: order.shop for order in ORDERS}


def read_file(file, content=None, **reading):
    given = DIRECTORY.joinpath(file).read_bytes() if content is None else content
    return read_orders(given, file, Reading(shop=Shop(SHOP_OF[file]), **reading))


def document(file):
    """The first order of a JSON file, as the shop writes it."""
    content = json.loads((DIRECTORY / file).read_bytes())
    found = content[0] if isinstance(content, list) else content
    return found.get("order", found)


def convert(file, order):
    [entry] = read_file(file, json.dumps(order).encode())
    return entry


def rows(file):
    return list(csv.DictReader(io.StringIO((DIRECTORY / file).read_text(encoding="utf-8"))))


def read_rows(file, changed, **reading):
    out = io.StringIO()
    writer = csv.DictWriter(out, changed[0])
    writer.writeheader()
    writer.writerows(changed)
    return read_file(file, out.getvalue().encode(), **reading)
