"""Signs requests with a secret that is read when it is first needed, and again after the warehouse has refused it."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from service.orders.ports import Unavailable
from service.warehouses import signatures

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=30)
"""The shortest time between two reads of the secret: what a wrong secret may cost."""


class NotSigned(Exception):
    """There is no key to sign with. The message is for an order's timeline; the log has the cause."""


class Signer:
    """Signs requests. Several threads can share one instance.

    A new secret is used by every process that starts after it was stored. A process that has read the former one uses
    that until the warehouse answers 401, so for a rotation the warehouse accepts both for a while.

    Args:
        load: returns the text of the secret. It raises ``Unavailable`` if it cannot be read.
        now: the present time in UTC.
    """

    def __init__(self, load: Callable[[], str], now: Callable[[], datetime]) -> None:
        self._load = load
        self._now = now
        self._lock = Lock()
        self._key: bytes | None = None
        self._is_due = True
        self._read_at: datetime | None = None

    def sign(self, request_id: str, body: bytes, seconds: float) -> dict[str, str]:
        """The headers that sign a request.

        Args:
            request_id: the id of the request.
            body: the body.
            seconds: how long to wait for the secret while another thread reads it.

        Raises:
            NotSigned: there is no key.
        """
        if self._is_due and self._lock.acquire(timeout=max(seconds, 0)):
            try:
                self._read()
            finally:
                self._lock.release()
        if self._key is None:
            raise NotSigned("the request could not be signed")
        return signatures.sign(self._key, request_id, int(self._now().timestamp()), body)

    def reload(self) -> None:
        """Read the secret again before a later request, because the warehouse has refused a signature."""
        self._is_due = True

    def _read(self) -> None:
        """Read the secret, unless another thread did it a moment ago. If that fails, the former key stays."""
        now = self._now()
        if self._read_at and now - self._read_at < PAUSE:
            return
        self._read_at = now
        try:
            self._key = signatures.read_secret(self._load().strip())
        except (Unavailable, ValueError) as error:
            log.error(
                "DOFS_WAREHOUSE_SECRET cannot be used: %s; store whsec_ and 24 to 64 random bytes in base64 there, as "
                "docs/warehouse.md describes",
                error,
            )
        else:
            self._is_due = False
