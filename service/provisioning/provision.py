"""Creates the resources in the order of their dependencies."""

from service.provisioning.deployment import Deployment
from service.provisioning.function import connect_queue, create_function
from service.provisioning.queues import create_queues
from service.provisioning.schedule import create_schedule
from service.provisioning.tables import create_tables
from service.provisioning.workflow import create_workflow


def provision(deployment: Deployment) -> None:
    """Create or update the tables, the queues, the function, the workflow and the schedule.

    The REST API and the alarms are not included: the embedded cloud serves the API itself, and evaluates no alarms.
    """
    create_tables(deployment)
    create_queues(deployment)
    create_function(deployment)
    create_workflow(deployment)
    create_schedule(deployment)
    connect_queue(deployment)
