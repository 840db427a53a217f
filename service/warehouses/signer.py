"""Signs requests to the warehouse, and verifies those of the warehouse.

The secrets are read when they are first needed, and again after one of the two sides has refused a signature.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock

from service.orders.ports import Unavailable
from service.warehouses import signatures

log = logging.getLogger(__name__)

PAUSE = timedelta(seconds=30)
"""The shortest time between two reads of the secrets: what a wrong secret, or a forged request, may cost."""


class NotSigned(Exception):
    """There is no key to sign with. The message is for an order's timeline; the log has the cause."""


class Signer:
    """Signs and verifies requests. Several threads can share one instance.

    A new secret is used by every process that starts after it was stored. A process that has read the former one uses
    that until the warehouse answers 401, or signs a request with the new one. So for a rotation both sides accept both
    for a while.

    Args:
        load: returns one or two secrets, as ``signatures.read_secrets`` reads them. It raises ``Unavailable`` if they
            cannot be read.
        now: the present time in UTC.
    """

    def __init__(self, load: Callable[[], str], now: Callable[[], datetime]) -> None:
        self._load = load
        self._now = now
        self._lock = Lock()
        self._keys: tuple[bytes, ...] = ()
        self._is_due = True
        self._read_at: datetime | None = None

    def sign(self, request_id: str, body: bytes, seconds: float) -> dict[str, str]:
        """The headers that sign a request with the first secret.

        Args:
            request_id: the id of the request.
            body: the body.
            seconds: how long to wait for the secrets while another thread reads them.

        Raises:
            NotSigned: there is no key.
        """
        keys = self._present_keys(seconds)
        if not keys:
            raise NotSigned("the request could not be signed")
        return signatures.sign(keys[0], request_id, int(self._now().timestamp()), body)

    def verifies(self, headers: Mapping[str, str], body: bytes, seconds: float) -> bool:
        """Whether a request is signed with one of the secrets. Before the answer is no, they are read again.

        Args:
            headers: the request's headers, with names in lower case.
            body: the body as it arrived.
            seconds: how long to wait for the secrets while another thread reads them.

        Raises:
            Unavailable: there is no key, so nobody can say.
        """
        for is_last in (False, True):
            keys = self._present_keys(seconds)
            if not keys:
                raise Unavailable("there is no secret of the warehouse")
            try:
                signatures.verify(keys, headers, body, self._now().timestamp())
            except signatures.BadSignature:
                if not is_last:
                    self.reload()
            else:
                return True
        return False

    def reload(self) -> None:
        """Read the secrets again before a later request, because a signature was refused."""
        self._is_due = True

    def _present_keys(self, seconds: float) -> tuple[bytes, ...]:
        if self._is_due and self._lock.acquire(timeout=max(seconds, 0)):
            try:
                self._read()
            finally:
                self._lock.release()
        return self._keys

    def _read(self) -> None:
        """Read the secrets, unless another thread did it a moment ago. If that fails, the former keys stay."""
        now = self._now()
        if self._read_at and now - self._read_at < PAUSE:
            return
        self._read_at = now
        try:
            self._keys = signatures.read_secrets(self._load())
        except (Unavailable, ValueError) as error:
            log.error(
                "DOFS_WAREHOUSE_SECRET cannot be used: %s; store whsec_ and 24 to 64 random bytes in base64 there, as "
                "docs/warehouse.md describes",
                error,
            )
        else:
            self._is_due = False
