"""The state machine, from the definition that all deployments share."""

from pathlib import Path

from service.provisioning.deployment import Deployment
from service.provisioning.roles import create_role

WORKFLOW_FILE = Path(__file__).parents[2] / "workflows" / "order_processing.asl.json"


def create_workflow(deployment: Deployment) -> None:
    """Create or update the state machine.

    The type of a state machine cannot be changed, so a change of type replaces it. Running executions end, and the
    reconciler restarts the workflows of their orders.
    https://docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html
    """
    names, stepfunctions = deployment.names, deployment.client("stepfunctions")
    workflow_type = deployment.settings.workflow_type
    role = create_role(deployment, names.workflow_role, "states.amazonaws.com")
    machine = {"definition": workflow_definition(names.alias_arn, deployment.settings.queue_url), "roleArn": role}
    try:
        found = stepfunctions.describe_state_machine(stateMachineArn=names.state_machine_arn)
        if found["type"] != workflow_type:
            stepfunctions.delete_state_machine(stateMachineArn=names.state_machine_arn)
            found = None
    except stepfunctions.exceptions.StateMachineDoesNotExist:
        found = None
    if found is None:
        stepfunctions.create_state_machine(name=names.state_machine, type=workflow_type, **machine)
    elif any(found[name] != value for name, value in machine.items()):
        stepfunctions.update_state_machine(stateMachineArn=names.state_machine_arn, **machine)


def workflow_definition(function_arn: str, queue_url: str) -> str:
    """Return the definition for a function and a queue."""
    text = WORKFLOW_FILE.read_text()
    return text.replace("${function_arn}", function_arn).replace("${queue_url}", queue_url)
