"""Puts the parts together, in the order in which they need each other."""

from service.provisioning.deployment import Deployment
from service.provisioning.function import connect_queue, create_function
from service.provisioning.queues import create_queues
from service.provisioning.schedule import create_schedule
from service.provisioning.tables import create_tables
from service.provisioning.workflow import create_workflow


def provision(deployment: Deployment) -> None:
    """Create all that carries an order from the workflow on, or bring it up to date.

    The API in front and the alarms behind are apart: the embedded cloud has a server of its own for the one, and
    nothing that would evaluate the others.
    """
    create_tables(deployment)
    create_queues(deployment)
    create_function(deployment)
    create_workflow(deployment)
    create_schedule(deployment)
    connect_queue(deployment)
