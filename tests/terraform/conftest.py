from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack
from tests.terraform.root import VARIABLES, Deployed, TerraformRoot, require_terraform


@pytest.fixture(scope="session")
def deployed(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The system on LocalStack, with Terraform and without compose's own deployment."""
    require_terraform()
    timings = {
        "DOFS_FUNCTION_TIMEOUT": VARIABLES["lambda_timeout"],
        "DOFS_VISIBILITY_TIMEOUT": VARIABLES["sqs_visibility_timeout"],
    }
    stack = Stack("dofs-test-terraform", **timings)
    stack.down()
    try:
        stack.compose("up", "--detach", "--wait", "localstack", "lambda")
        root = TerraformRoot(tmp_path_factory.mktemp("root"), stack)
        root.apply()
        yield Deployed(root, stack)
    finally:
        stack.down()
