"""The state machine's definition is valid, and has the structure that the code relies on."""

import json
import re

import pytest
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.static_analyser.express_static_analyser import ExpressStaticAnalyser
from statelint.linter import Linter

from service.provisioning.workflow import WORKFLOW_FILE, workflow_definition

TEXT = WORKFLOW_FILE.read_text()
STATES = json.loads(TEXT)["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}


def test_the_definition_passes_statelint():
    assert Linter.validate(json.loads(TEXT)) == []


def test_the_emulator_parses_the_definition():
    AmazonStateLanguageParser.parse(
        workflow_definition("arn:aws:lambda:ap-south-1:123456789012:function:f", "http://q")
    )


def test_substitution_leaves_no_placeholder_and_keeps_context_references():
    definition = workflow_definition("FUNCTION", "QUEUE")
    assert not re.search(r"\$\{", definition)
    assert definition.count("$$.Execution.Name") == TEXT.count("$$.Execution.Name") > 0


def test_the_definition_is_valid_for_an_express_workflow():
    """No job that is waited for, no callback, no activity; and it ends within the five minutes that there are."""
    definition = workflow_definition("arn:aws:lambda:ap-south-1:123456789012:function:f", "http://q")
    ExpressStaticAnalyser().analyse(definition)
    with pytest.raises(ValueError, match="Express state machine does not support"):
        ExpressStaticAnalyser().analyse(definition.replace("lambda:invoke", "lambda:invoke.waitForTaskToken"))
    assert json.loads(definition)["TimeoutSeconds"] == 300


def test_the_definition_uses_json_path_without_variables():
    assert "JSONata" not in TEXT
    assert '"Assign"' not in TEXT


def test_the_order_of_the_steps_is_validate_store_enqueue():
    path, state = [], json.loads(TEXT)["StartAt"]
    while state:
        path.append(state)
        state = STATES[state].get("Next")
    assert path == ["ValidateOrder", "StoreOrder", "EnqueueFulfillment", "OrderEnqueued"]


@pytest.mark.parametrize("name", TASKS)
def test_every_retry_of_a_task_has_full_jitter(name):
    retriers = [retrier for retrier in TASKS[name]["Retry"] if retrier["MaxAttempts"] > 0]
    assert {retrier["JitterStrategy"] for retrier in retriers} == {"FULL"}


def test_every_error_named_in_the_definition_is_an_exception_of_a_step():
    from service import handler
    from service.orders import errors, strict_json
    from service.steps import events, validate

    homes = (errors, validate, events, strict_json, handler)
    for error in STATES["ValidateOrder"]["Retry"][0]["ErrorEquals"]:
        assert any(isinstance(getattr(home, error, None), type) for home in homes), error


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task["Resource"].endswith("lambda:invoke")])
def test_user_input_is_never_at_the_top_level_of_an_event(name):
    assert TASKS[name]["Parameters"]["Payload"].keys() == {"dofs"}


def test_the_workflow_uses_every_task_except_reconcile():
    from service.handler import TASKS as KNOWN

    used = {task["Parameters"]["Payload"]["dofs"]["task"] for task in TASKS.values() if "Payload" in task["Parameters"]}
    assert used == KNOWN.keys() - {"reconcile"}, "TASKS of service/handler.py and the states must name the same tasks"
