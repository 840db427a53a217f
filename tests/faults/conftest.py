import logging
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from service.embedded.functions import event_loop
from tests.faults.checks import Plain, plain
from tests.faults.cloud import Cloud, running_cloud
from tests.faults.driver import Run
from tests.faults.flows import Flow


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One cloud for all cases; what it logs of a thousand faults is left unformatted."""
    logging.disable()
    try:
        with event_loop(), running_cloud() as cloud:
            yield cloud
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def without(cloud: Cloud) -> Callable[[Flow], Plain]:
    """Each flow's run without a fault, made when it is first asked for."""

    @cache
    def recorded(flow: Flow) -> Plain:
        run = Run(cloud)
        flow.begin(run)
        run.until_quiet()
        return plain(flow, run)

    return recorded
