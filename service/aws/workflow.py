"""The order workflow on Step Functions."""

import json
from typing import TYPE_CHECKING

from service.aws.clients import Clients

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


class StepFunctionsWorkflow:
    """Starts executions of the state machine."""

    def __init__(self, clients: Clients, state_machine_arn: str) -> None:
        self._clients = clients
        self._state_machine_arn = state_machine_arn

    @property
    def _stepfunctions(self) -> "SFNClient":
        return self._clients.stepfunctions

    def start(self, order_id: str, name: str, traceparent: str | None = None) -> bool:
        trace = {"traceparent": traceparent} if traceparent else {}
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._state_machine_arn, name=name, input=json.dumps({"order_id": order_id, **trace})
            )
        except self._stepfunctions.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def ready(self) -> None:
        self._stepfunctions.describe_state_machine(stateMachineArn=self._state_machine_arn)
