"""Sends requests that are generated from the OpenAPI document, with all of schemathesis's checks."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.api.client import Api
from tests.hostile.customer import Customer


@dataclass
class Run:
    """The result of a run: the answers, the checks that passed, and the complaints."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    states: set[str] = field(default_factory=set)
    """The states of the orders that GET /orders/{order_id} returned."""
    further_pages: int = 0
    spans: int = 0
    """The lists of orders within a time span."""
    replays: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return sum(self.answers.values())

    def statuses(self, operation: str) -> set[int]:
        return {status for label, status in self.answers if label == operation}


@contextmanager
def hooked(customer: Customer) -> Iterator[None]:
    """Let a customer correct every request of a run."""

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        customer.before_call(context, case, kwargs)

    def after_call(context: Any, case: Any, response: Any) -> None:
        customer.after_call(context, case, response)

    hooks = [schemathesis.hook(before_call), schemathesis.hook(after_call)]
    try:
        yield
    finally:
        for hook in hooks:
            schemathesis.hooks.unregister(hook)


def run(api: Api, order_ids: list[str], examples: int, chains: int, seed: int = 1) -> Run:
    """Generate requests from an application's OpenAPI document and send them, in every phase and with every check.

    Args:
        api: the application and its system.
        order_ids: existing orders; every second one is never cancelled.
        examples: random examples for each operation, besides edge cases.
        chains: sequences of calls that follow the document's links.
        seed: the seed of the examples.
    """
    schema = schemathesis.openapi.from_asgi("/openapi.json", api.app, config=SchemathesisConfig(seed=seed))
    schema.config.generation.update(max_examples=examples, deterministic=True, database="none", no_shrink=True)
    schema.config.phases.stateful.generation.update(max_examples=chains)
    # The customer provides the ids. To search all answers for ids takes longer with every answer.
    schema.config.phases.fuzzing.extra_data_sources.responses = False
    result = Run()
    customer = Customer(order_ids, api.system.now)
    with hooked(customer):
        for event in from_schema(schema).execute():
            match event:
                case events.ScenarioFinished():
                    note(event.recorder, result)
                case events.NonFatalError():
                    result.complaints.append(f"{event.label}: {event.value!r}")
                case events.EngineFinished():
                    result.complaints += [str(failure) for failure in event.failures]
    result.spans = customer.spans
    return result


def note(recorder: Any, result: Run) -> None:
    """Add the result of one scenario."""
    for case_id, interaction in recorder.interactions.items():
        case, response = recorder.cases[case_id].value, interaction.response
        if response is None:
            result.complaints.append(f"{case.operation.label} has no answer")
            continue
        result.answers[case.operation.label, response.status_code] += 1
        if (case.operation.label, case.method, response.status_code) == ("GET /orders/{order_id}", "GET", 200):
            result.states.add(response.json()["status"])
        result.further_pages += "cursor" in (case.query or {}) and response.status_code == 200
        result.replays += "idempotency-replayed" in response.headers
    for checks in recorder.checks.values():
        for check in checks:
            if check.failure_info:
                result.complaints.append(
                    f"{recorder.label}: {check.name}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
                )
            else:
                result.passed[check.name] += 1
