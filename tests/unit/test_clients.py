"""The timeouts and retries of the AWS clients: a connection that hangs costs one attempt, not the invocation."""

from functools import cached_property

import pytest

from service.aws.clients import Clients
from tests.support import SETTINGS

CLIENTS = sorted(name for name, member in vars(Clients).items() if isinstance(member, cached_property))


@pytest.fixture(scope="module")
def clients():
    return Clients(SETTINGS)


@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_has_short_timeouts_and_three_attempts(name, clients):
    config = getattr(clients, name).meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 3)


@pytest.mark.parametrize("name", CLIENTS)
def test_three_attempts_that_hang_end_before_the_function_does(name, clients):
    config = getattr(clients, name).meta.config
    attempt = config.connect_timeout + config.read_timeout
    assert config.retries["total_max_attempts"] * attempt < SETTINGS.function_timeout
