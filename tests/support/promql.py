"""What a PromQL expression reads, and which labels its result has."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from exporter.collectors import COLLECTORS
from exporter.telemetry.declarations import OWN_METRICS

promql_parser = pytest.importorskip("promql_parser")

TARGET = {"job", "instance"}
"""What Prometheus adds to every series."""

DECLARED: Mapping[str, set[str]] = {
    **{metric.name: set(metric.labels) | TARGET for each in COLLECTORS for metric in each.metrics},
    **{metric.name: set(metric.labels) | TARGET for metric in OWN_METRICS},
    "up": TARGET,
}
"""Every metric that the product exposes, and what Prometheus says of its targets, with the labels."""

METRICS = (*(metric for each in COLLECTORS for metric in each.metrics), *OWN_METRICS)
COUNTERS = {metric.name for metric in METRICS if metric.type == "counter"}
PER_SECOND = {"rate", "increase"}
SETS = {"and", "unless", "or"}


def parse(expression: str) -> Any:
    """The syntax tree; an error of syntax is a ValueError."""
    return promql_parser.parse(expression)


def below(node: Any) -> list[Any]:
    """The operands of *node*."""
    named = [getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector")]
    return [each for each in named if each is not None] + list(getattr(node, "args", None) or ())


def inside(node: Any) -> Iterator[Any]:
    """*node* and everything below it."""
    yield node
    for each in below(node):
        yield from inside(each)


def selectors(expression: str) -> list[Any]:
    """What the expression reads."""
    return [node for node in inside(parse(expression)) if isinstance(node, promql_parser.VectorSelector)]


def matchers(selector: Any) -> set[str]:
    """The labels that a selector matches."""
    return {matcher.name for matcher in selector.matchers.matchers} - {"__name__"}


def read_through(node: Any, function: str = "") -> Iterator[tuple[str, str]]:
    """Every metric read, with the function that is closest around it."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node.name, function
    if isinstance(node, promql_parser.Call):
        function = node.func.name
    for each in below(node):
        yield from read_through(each, function)


def labels(node: Any, known: Mapping[str, set[str]]) -> set[str] | None:
    """The labels of the result; None for a single number. *known* has the labels of metrics and recorded series."""
    match type(node).__name__:
        case "VectorSelector":
            return known[node.name]
        case "AggregateExpr":
            inner = labels(node.expr, known) or set()
            named = set(node.modifier.labels) if node.modifier else set()
            without = node.modifier and node.modifier.type == promql_parser.AggModifierType.Without
            return inner - named if without else inner & named
        case "Call" if node.func.name in {"absent", "vector", "scalar", "time"}:
            return None if node.func.name in {"scalar", "time"} else set()
        case "BinaryExpr":
            return combined(node, labels(node.lhs, known), labels(node.rhs, known))
    return next((found for each in below(node) if (found := labels(each, known)) is not None), None)


def combined(node: Any, left: set[str] | None, right: set[str] | None) -> set[str] | None:
    """The labels of an operation on two sides with these labels."""
    if left is None or right is None:
        return left if right is None else right
    if str(node.op) in SETS or node.modifier is None or node.modifier.matching is None:
        return left
    if node.modifier.card == promql_parser.VectorMatchCardinality.ManyToOne:
        return left | set(node.modifier.group_labels or ())
    return left & set(node.modifier.matching.labels)
