"""The simulated warehouse as a server: the warehouse contract over HTTP, a ledger, and faults on request.

It needs nothing but Python. ``python -m service.warehouses.server --help`` lists its options.
"""

from service.warehouses.ledger import Ledger
from service.warehouses.server.faults import Faults
from service.warehouses.server.listener import WarehouseServer

__all__ = ["Faults", "Ledger", "WarehouseServer"]
