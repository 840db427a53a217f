"""The names of a deployment's resources. ``terraform/`` uses the same names."""

from dataclasses import dataclass

ALIAS = "live"  # invoked by the API, the workflow and the queue; points at a published version


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a deployment, such as ``dofs-orders-dev``."""

    environment: str
    account: str
    region: str

    @property
    def orders_table(self) -> str:
        return self._name("orders")

    @property
    def failed_orders_table(self) -> str:
        return self._name("failed-orders")

    @property
    def queue(self) -> str:
        return self._name("fulfillment")

    @property
    def dead_letter_queue(self) -> str:
        return self._name("fulfillment-dlq")

    @property
    def state_machine(self) -> str:
        return self._name("order-processing")

    @property
    def function(self) -> str:
        return self._name("orders")

    @property
    def rule(self) -> str:
        return self._name("reconcile")

    @property
    def rest_api(self) -> str:
        return self._name("orders")

    @property
    def alarm_topic(self) -> str:
        return self._name("alarms")

    @property
    def dead_letter_alarm(self) -> str:
        return self._name("dlq-depth")

    @property
    def function_role(self) -> str:
        return self._name("lambda-execution-role")

    @property
    def workflow_role(self) -> str:
        return self._name("stepfunctions-execution-role")

    @property
    def state_machine_arn(self) -> str:
        return self._arn("states", f"stateMachine:{self.state_machine}")

    @property
    def function_arn(self) -> str:
        return self._arn("lambda", f"function:{self.function}")

    @property
    def alias_arn(self) -> str:
        """The ARN that the API, the workflow, the queue and the schedule invoke."""
        return f"{self.function_arn}:{ALIAS}"

    @property
    def rule_arn(self) -> str:
        return self._arn("events", f"rule/{self.rule}")

    def queue_arn(self, queue: str) -> str:
        """The ARN of one of the two queues."""
        return self._arn("sqs", queue)

    def rest_api_arn(self, api_id: str) -> str:
        """The ARN of all methods of the REST API."""
        return self._arn("execute-api", f"{api_id}/*")

    def _name(self, kind: str) -> str:
        return f"dofs-{kind}-{self.environment}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
