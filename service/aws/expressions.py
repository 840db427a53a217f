"""Compiles rows of the transition table to DynamoDB expressions.

The table is the only place that states the conditions and the changes of a transition.
"""

from dataclasses import dataclass, field
from typing import Any

from service.aws.attributes import to_attribute
from service.aws.records import from_timeline, shard_key
from service.orders.lifecycle import Assign, Guard, Increment, Reset
from service.orders.model import Write


@dataclass(slots=True)
class Expressions:
    """The condition and the update of one write, with the names and values that they use."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    condition: str = ""
    update: str = ""

    def name(self, attribute: str) -> str:
        """Register an attribute; returns its placeholder."""
        self.names[f"#{attribute}"] = attribute
        return f"#{attribute}"

    def value(self, name: str, value: Any) -> str:
        """Register a value; returns its placeholder."""
        self.values[f":{name}"] = to_attribute(value)
        return f":{name}"

    def parameters(self) -> dict[str, Any]:
        """Return the request parameters with these expressions."""
        return {
            "ConditionExpression": self.condition,
            "UpdateExpression": self.update,
            "ExpressionAttributeNames": self.names,
            "ExpressionAttributeValues": self.values,
        }


def compile_write(write: Write, shards: int) -> Expressions:
    """Compile a write to its condition and its update.

    Args:
        write: the write, with the transition that it applies.
        shards: the number of index partitions of each status.
    """
    expressions = Expressions()
    expressions.condition = _condition(write, expressions)
    expressions.update = _update(write, shards, expressions)
    return expressions


def _condition(write: Write, to: Expressions) -> str:
    def compare(guard: Guard) -> str:
        name, value = to.name(guard.attribute), to.value(_placeholder(guard.value), write.value(guard.value))
        holds = f"{name} {guard.comparison} {value}"
        return f"(attribute_not_exists({name}) OR {holds})" if guard.if_absent else holds

    sources = []
    for source in write.transition.sources:
        is_status = f"{to.name('status')} = {to.value(f'from_{source.status.lower()}', source.status)}"
        sources.append([is_status, *map(compare, source.guards)])
    guards = [*map(compare, write.transition.guards)]
    if len(sources) == 1:
        return " AND ".join([*sources[0], *guards])
    # DynamoDB rejects redundant parentheses.
    any_source = " OR ".join(
        " AND ".join(terms) if len(terms) == 1 else f"({' AND '.join(terms)})" for terms in sources
    )
    return " AND ".join([f"({any_source})", *guards])


def _update(write: Write, shards: int, to: Expressions) -> str:
    target = write.target
    assignments = {
        "status": to.value("status", target),
        "status_shard": to.value("status_shard", shard_key(target, write.order_id, shards)),
        "updated_at": to.value("updated_at", write.at),
        "write_id": to.value("write_id", write.id),
    }
    rewritten = write.rewritten_timeline()
    if rewritten is None:
        entry = to.value("entry", from_timeline((write.entry,)))
        assignments["timeline"] = f"list_append({to.name('timeline')}, {entry})"
    else:
        assignments["timeline"] = to.value("timeline", from_timeline(rewritten))
    added = {"version": to.value("add_1", 1)}
    for change in write.transition.changes:
        match change:
            case Assign(attribute):
                assignments[attribute] = to.value(f"new_{attribute}", write.value(attribute))
            case Reset(attribute, constant):
                assignments[attribute] = to.value(f"new_{attribute}", constant)
            case Increment(attribute, by):
                added[attribute] = to.value(_placeholder(by, "add"), by)
    setting = ", ".join(f"{to.name(attribute)} = {value}" for attribute, value in assignments.items())
    adding = ", ".join(f"{to.name(attribute)} {value}" for attribute, value in added.items())
    return f"SET {setting} ADD {adding}"


def _placeholder(value: str | int, kind: str = "constant") -> str:
    return value if isinstance(value, str) else f"{kind}_{value}".replace("-", "minus_")
