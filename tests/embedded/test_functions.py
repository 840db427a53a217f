"""Every invocation in the emulator runs the handler of the service."""

import json
import threading

import pytest

from tests.embedded.support import running_cloud
from tests.polling import PATIENCE


@pytest.fixture(scope="module")
def cloud():
    with running_cloud() as cloud:
        yield cloud


def invoke(cloud, event, **more):
    answer = cloud.client("lambda").invoke(FunctionName=cloud.names.function, Payload=json.dumps(event), **more)
    return answer, answer["Payload"].read()


def test_an_invocation_runs_the_handler_and_returns_its_answer(cloud):
    answer, payload = invoke(cloud, {"dofs": {"task": "reconcile"}})
    assert "FunctionError" not in answer
    assert json.loads(payload)["errors"] == 0


def test_an_exception_has_the_format_of_the_lambda_runtime(cloud):
    answer, payload = invoke(cloud, {"who": "knows"})
    error = json.loads(payload)
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "UnknownEvent"
    assert "who" in error["errorMessage"]
    assert error["stackTrace"]


def test_a_dry_run_runs_nothing(cloud):
    answer, payload = invoke(cloud, {"who": "knows"}, InvocationType="DryRun")
    assert (answer["StatusCode"], payload) == (204, b"")


def test_an_api_event_is_handled_in_a_thread_without_an_event_loop(cloud):
    event = {
        "resource": "/{proxy+}",
        "httpMethod": "GET",
        "path": "/health",
        "requestContext": {"path": "/health"},
        "headers": {},
    }
    answers = []
    thread = threading.Thread(target=lambda: answers.append(invoke(cloud, event)[1]))
    thread.start()
    thread.join(PATIENCE)
    assert json.loads(answers[0])["statusCode"] == 200


def test_the_context_reports_the_remaining_time(cloud):
    from service.embedded.functions import Context

    class Function:
        function_name, version, function_arn, memory_size, timeout = "f", 1, "arn", 256, 30

    assert 29_000 < Context(Function()).get_remaining_time_in_millis() <= 30_000


def test_the_environment_of_the_function_is_complete(cloud):
    from service.settings import Settings

    configuration = cloud.client("lambda").get_function_configuration(FunctionName=cloud.names.function)
    loaded = Settings.load(configuration["Environment"]["Variables"])
    assert loaded.policy == cloud.settings.policy
    assert loaded.orders_table == cloud.names.orders_table
