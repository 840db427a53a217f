from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.stack import Stack, running_stack
from tests.terraform.checkout import Checkout
from tests.terraform.root import VARIABLES, Deployed, TerraformRoot, require_terraform


@pytest.fixture(scope="session")
def deployed(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The system on LocalStack, with Terraform and without compose's own deployment. The timings are the same."""
    require_terraform()
    timings = {
        "DOFS_FUNCTION_TIMEOUT": VARIABLES["lambda_timeout"],
        "DOFS_VISIBILITY_TIMEOUT": VARIABLES["sqs_visibility_timeout"],
        "DOFS_RETRY_DELAY": VARIABLES["sqs_retry_delay"],
    }
    with running_stack("dofs-test-terraform", "localstack", "lambda", **timings) as stack:
        root = TerraformRoot(tmp_path_factory.mktemp("root"), stack)
        root.apply()
        yield Deployed(root, stack)
        root.destroy()
        assert not root.resources()
        assert not list_resources(stack), "resources are left after destroy"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with fake tools."""
    return Checkout(tmp_path)


def list_resources(stack: Stack) -> list[object]:
    """List the resources of a deployment."""
    lists = {
        "dynamodb": ("list_tables", "TableNames"),
        "sqs": ("list_queues", "QueueUrls"),
        "lambda": ("list_functions", "Functions"),
        "stepfunctions": ("list_state_machines", "stateMachines"),
        "apigateway": ("get_rest_apis", "items"),
        "events": ("list_rules", "Rules"),
        "cloudwatch": ("describe_alarms", "MetricAlarms"),
        "sns": ("list_topics", "Topics"),
        "logs": ("describe_log_groups", "logGroups"),
        "iam": ("list_roles", "Roles"),
    }
    found = [getattr(stack.client(service), method)().get(key, []) for service, (method, key) in lists.items()]
    return [each for some in found for each in some]
