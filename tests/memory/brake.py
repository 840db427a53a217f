"""The brake's row in memory."""

from threading import Lock

from service.orders.brake import Brake


class InMemoryBrake:
    """One row, replaced if its version fits; ``broken`` makes every call fail."""

    def __init__(self, row: Brake | None = None) -> None:
        self.row = row or Brake()
        self.reads = 0
        self.broken: Exception | None = None
        self._lock = Lock()

    def read(self) -> Brake:
        if self.broken:
            raise self.broken
        self.reads += 1
        return self.row

    def replace(self, brake: Brake) -> bool:
        if self.broken:
            raise self.broken
        with self._lock:
            if self.row.version != brake.version - 1:
                return False
            self.row = brake
            return True
