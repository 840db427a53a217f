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
        return self._named("orders")

    @property
    def failed_orders_table(self) -> str:
        return self._named("failed-orders")

    @property
    def queue(self) -> str:
        return self._named("fulfillment")

    @property
    def dead_letter_queue(self) -> str:
        return self._named("fulfillment-dlq")

    @property
    def state_machine(self) -> str:
        return self._named("order-processing")

    @property
    def function(self) -> str:
        return self._named("orders")

    @property
    def rule(self) -> str:
        return self._named("reconcile")

    @property
    def rest_api(self) -> str:
        return self._named("orders")

    @property
    def alarm_topic(self) -> str:
        return self._named("alarms")

    @property
    def dead_letter_alarm(self) -> str:
        return self._named("dlq-depth")

    @property
    def function_role(self) -> str:
        return self._named("lambda-execution-role")

    @property
    def workflow_role(self) -> str:
        return self._named("stepfunctions-execution-role")

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

    def _named(self, what: str) -> str:
        return f"dofs-{what}-{self.environment}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
