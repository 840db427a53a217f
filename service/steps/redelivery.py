"""When the queue delivers a message again after an attempt."""

import logging
from collections.abc import Mapping
from typing import Any

from service.orders.ports import System, error_name

log = logging.getLogger(__name__)


def deliver_again(record: Mapping[str, Any], system: System) -> None:
    """Deliver a message again after the retry delay, if one is set. Never raises.

    Each delivery uses up a receive. So only a message that was worked on has the delay. Others wait for the visibility
    timeout: one that was not started, one whose order is leased, and one that cannot be read, since a rollback may be
    able to read it.

    Args:
        record: the message's record.
        system: the ports.
    """
    delay = system.policy.retry_delay
    if not delay:
        return
    try:
        system.queue.deliver_again(record["receiptHandle"], delay)
    except Exception as error:
        log.warning("the retry delay was not set, %s; the visibility timeout applies", error_name(error))
