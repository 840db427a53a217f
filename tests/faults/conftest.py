import logging
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from service.embedded.functions import event_loop
from tests.faults.checks import Baseline, check_baseline
from tests.faults.cloud import Cloud, running_cloud
from tests.faults.driver import Run
from tests.faults.flows import Flow


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """One cloud for all cases. Logging is disabled, for speed."""
    logging.disable()
    try:
        with event_loop(), running_cloud() as cloud:
            yield cloud
    finally:
        logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def baseline_of(cloud: Cloud) -> Callable[[Flow], Baseline]:
    """Runs a flow without a fault, once."""

    @cache
    def baseline(flow: Flow) -> Baseline:
        run = Run(cloud)
        flow.begin(run)
        run.until_quiet()
        return check_baseline(flow, run)

    return baseline
