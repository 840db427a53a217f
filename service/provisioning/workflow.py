"""The state machine: the file that all deployments use, with the two names filled in."""

from pathlib import Path

from service.provisioning.deployment import Deployment
from service.provisioning.roles import create_role

WORKFLOW_FILE = Path(__file__).parents[2] / "workflows" / "order_processing.asl.json"


def create_workflow(deployment: Deployment) -> None:
    """Create the state machine, or give it its present definition."""
    names, stepfunctions = deployment.names, deployment.client("stepfunctions")
    role = create_role(deployment, names.workflow_role, "states.amazonaws.com")
    machine = {"definition": workflow_definition(names.alias_arn, deployment.settings.queue_url), "roleArn": role}
    try:
        found = stepfunctions.describe_state_machine(stateMachineArn=names.state_machine_arn)
    except stepfunctions.exceptions.StateMachineDoesNotExist:
        stepfunctions.create_state_machine(name=names.state_machine, type="STANDARD", **machine)
    else:
        if any(found[name] != value for name, value in machine.items()):
            stepfunctions.update_state_machine(stateMachineArn=names.state_machine_arn, **machine)


def workflow_definition(function_arn: str, queue_url: str) -> str:
    """The state machine's definition for a function and a queue."""
    text = WORKFLOW_FILE.read_text()
    return text.replace("${function_arn}", function_arn).replace("${queue_url}", queue_url)
