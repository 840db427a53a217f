"""The secret that signs requests: read once when it is needed, again after a refusal, and never quoted."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.orders.ports import Unavailable
from service.orders.warehouse import Answer, State
from service.warehouses.http import HttpWarehouse, WarehouseError
from service.warehouses.signatures import BadSignature, new_secret, read_secret, sign, verify
from service.warehouses.signer import PAUSE, NotSigned, Signer
from tests.polling import PATIENCE
from tests.support import ManualClock
from tests.warehouses.endpoint import Endpoint, respond
from tests.warehouses.support import SECRET, order, state


class Store:
    """Holds a secret, and counts how often it was read; an exception as the secret is raised."""

    def __init__(self, secret: str | Exception) -> None:
        self.secret = secret
        self.reads = 0

    def __call__(self) -> str:
        self.reads += 1
        if isinstance(self.secret, Exception):
            raise self.secret
        return self.secret


def is_signed(headers: dict[str, str], secret: str, clock: ManualClock) -> bool:
    try:
        verify([read_secret(secret)], headers, b"body", clock().timestamp())
    except BadSignature:
        return False
    return True


def test_the_secret_is_read_once_and_only_when_it_is_needed():
    store, clock = Store(f"{SECRET}\n"), ManualClock()
    signer = Signer(store, clock)
    assert store.reads == 0
    assert all(is_signed(signer.sign("id", b"body", 1), SECRET, clock) for _ in range(3))
    clock.forward(86_400)
    assert is_signed(signer.sign("id", b"body", 1), SECRET, clock)
    assert store.reads == 1


def test_threads_that_start_together_read_the_secret_once():
    started = threading.Barrier(10)

    class Slow(Store):
        def __call__(self) -> str:
            time.sleep(0.05)  # the others arrive meanwhile, or find the key
            return super().__call__()

    store = Slow(SECRET)
    signer = Signer(store, ManualClock())

    def sign(_: int) -> dict[str, str]:
        started.wait(PATIENCE)
        return signer.sign("id", b"body", PATIENCE)

    with ThreadPoolExecutor(10) as pool:
        assert len(list(pool.map(sign, range(10)))) == 10
    assert store.reads == 1


def test_a_thread_waits_for_the_secret_no_longer_than_it_may():
    reading, release = threading.Event(), threading.Event()

    def load() -> str:
        reading.set()
        release.wait(PATIENCE)
        return SECRET

    signer = Signer(load, ManualClock())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(signer.sign, "id", b"body", PATIENCE)
        assert reading.wait(PATIENCE)
        with pytest.raises(NotSigned):
            signer.sign("id", b"body", 0.01)
        release.set()
        assert first.result(PATIENCE)


def test_a_new_secret_is_read_after_a_refusal():
    store, clock, new = Store(SECRET), ManualClock(), new_secret()
    signer = Signer(store, clock)
    signer.sign("id", b"body", 1)
    store.secret = new
    clock.forward(PAUSE.total_seconds())
    assert is_signed(signer.sign("id", b"body", 1), SECRET, clock)
    signer.reload()
    assert is_signed(signer.sign("id", b"body", 1), new, clock)
    assert store.reads == 2


def test_refusals_without_end_read_the_secret_once_in_a_pause():
    store, clock = Store(SECRET), ManualClock()
    signer = Signer(store, clock)
    for _ in range(61):
        signer.sign("id", b"body", 1)
        signer.reload()
        clock.forward(1)
    assert store.reads == 60 // PAUSE.total_seconds() + 1


def test_the_former_key_signs_while_the_new_secret_cannot_be_read():
    store, clock = Store(SECRET), ManualClock()
    signer = Signer(store, clock)
    signer.sign("id", b"body", 1)
    store.secret = Unavailable("secretsmanager GetSecretValue: ThrottlingException")
    signer.reload()
    clock.forward(PAUSE.total_seconds())
    assert is_signed(signer.sign("id", b"body", 1), SECRET, clock)


@pytest.mark.parametrize(
    ("secret", "cause"),
    [
        (Unavailable("secretsmanager GetSecretValue: ResourceNotFoundException"), "ResourceNotFoundException"),
        ("", "it must be whsec_ and 24 to 64 random bytes"),
        ("whsec_canary", "it must be whsec_ and 24 to 64 random bytes"),
        ('{"secret": "canary"}', "it must be whsec_ and 24 to 64 random bytes"),
    ],
)
def test_a_secret_that_cannot_be_used_is_logged_with_what_to_do_and_never_quoted(secret, cause, caplog):
    store, clock = Store(secret), ManualClock()
    signer = Signer(store, clock)
    for _ in range(3):
        with pytest.raises(NotSigned) as raised:
            signer.sign("id", b"body", 1)
        assert "canary" not in str(raised.value)
    (line,) = caplog.messages
    assert line.startswith("DOFS_WAREHOUSE_SECRET cannot be used: ")
    assert cause in line
    assert "store whsec_" in line
    assert "canary" not in line
    store.secret = SECRET
    clock.forward(PAUSE.total_seconds())
    assert is_signed(signer.sign("id", b"body", 1), SECRET, clock)


def test_without_a_usable_secret_nothing_is_sent_and_the_delivery_is_not_taken():
    with Endpoint(respond(200, state("shipped"))) as endpoint:
        warehouse = HttpWarehouse(endpoint.url, Signer(Store(""), ManualClock()), ManualClock())
        answers = [warehouse.ask(order(), 10), warehouse.look(order(), 10)]
        with pytest.raises(WarehouseError, match="PUT: not sent: the request could not be signed"):
            warehouse.cancel(order(), 10)
    assert answers == [Answer(State.NOT_TAKEN, "the request could not be signed")] * 2
    assert endpoint.requests == []


def test_a_refused_signature_is_unknown_and_the_next_request_has_the_new_secret():
    store, clock = Store(SECRET), ManualClock()
    with Endpoint(respond(401, {}), respond(200, state("shipped"))) as endpoint:
        warehouse = HttpWarehouse(endpoint.url, Signer(store, clock), clock)
        with pytest.raises(WarehouseError, match="POST: HTTP 401"):
            warehouse.ask(order(), 10)
        store.secret = new_secret()
        clock.forward(PAUSE.total_seconds())
        assert warehouse.ask(order(), 10).state is State.SHIPPED
    _, second = endpoint.requests
    verify([read_secret(store.secret)], second.headers, second.body, clock().timestamp())


def test_the_time_that_reading_the_secret_takes_is_part_of_the_requests_time():
    def load() -> str:
        time.sleep(0.05)
        return SECRET

    clock = ManualClock()
    with Endpoint(respond(200, state("shipped"))) as endpoint:
        warehouse = HttpWarehouse(endpoint.url, Signer(load, clock), clock)
        assert warehouse.ask(order(), 0.05) == Answer(State.NOT_TAKEN, "no time was left")
    assert endpoint.requests == []


def signed_by(secret: str, clock: ManualClock, body: bytes = b"body") -> dict[str, str]:
    return sign(read_secret(secret), "evt_1", int(clock().timestamp()), body)


def test_of_two_secrets_the_first_signs_and_both_verify():
    new, clock = new_secret(), ManualClock()
    signer = Signer(Store(f"{new} {SECRET}\n"), clock)
    assert is_signed(signer.sign("id", b"body", 1), new, clock)
    assert [signer.verifies(signed_by(each, clock), b"body", 1) for each in (new, SECRET)] == [True, True]


def test_a_request_with_a_new_secret_is_verified_after_the_secrets_are_read_again():
    store, clock, new = Store(SECRET), ManualClock(), new_secret()
    signer = Signer(store, clock)
    assert signer.verifies(signed_by(SECRET, clock), b"body", 1)
    store.secret = f"{new} {SECRET}"
    assert not signer.verifies(signed_by(new, clock), b"body", 1), "the secrets were read a moment ago"
    clock.forward(PAUSE.total_seconds())
    assert signer.verifies(signed_by(new, clock), b"body", 1)
    assert signer.verifies(signed_by(SECRET, clock), b"body", 1)
    assert store.reads == 2


def test_forged_requests_without_end_read_the_secrets_once_in_a_pause():
    store, clock = Store(SECRET), ManualClock()
    signer = Signer(store, clock)
    for _ in range(61):
        assert not signer.verifies(signed_by(SECRET, clock, b"another body"), b"body", 1)
        assert signer.verifies(signed_by(SECRET, clock), b"body", 1)
        clock.forward(1)
    assert store.reads == 60 // PAUSE.total_seconds() + 1


def test_requests_with_valid_signatures_read_the_secrets_once():
    store, clock = Store(SECRET), ManualClock()
    signer = Signer(store, clock)
    for _ in range(3):
        assert signer.verifies(signed_by(SECRET, clock), b"body", 1)
        clock.forward(86_400)
    assert store.reads == 1


@pytest.mark.parametrize("secret", ["", Unavailable("secretsmanager GetSecretValue: ThrottlingException")])
def test_without_a_usable_secret_nobody_can_say_who_signed_a_request(secret):
    clock = ManualClock()
    signer = Signer(Store(secret), clock)
    with pytest.raises(Unavailable, match="there is no secret of the warehouse"):
        signer.verifies(signed_by(SECRET, clock), b"body", 1)
