"""GitHub's own example answers, which every collector has as a case of its golden files."""

import json
from pathlib import Path
from typing import Any

from exporter.collectors import COLLECTORS

FOLDER = Path(__file__).parents[1] / "collectors"


def example_answers(collector: str) -> list[Any]:
    """The bodies of the case `github-example` of *collector*."""
    file = FOLDER / collector / "github-example" / "responses.json"
    assert file.is_file(), f"write {file}: path to body, as GitHub's API description has it"
    recorded = json.loads(file.read_text("utf-8"))
    return [answer.get("body", answer) if isinstance(answer, dict) else answer for answer in recorded.values()]


def inner(value: Any) -> list[Any]:
    """Every value inside *value*, however deep."""
    children = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [*children, *(each for child in children for each in inner(child))]


def without_inner(kind: type) -> tuple[str, ...]:
    """Collectors in whose answers nothing is of that type."""
    return tuple(
        collector.name
        for collector in COLLECTORS
        if not any(isinstance(each, kind) for answer in example_answers(collector.name) for each in inner(answer))
    )


def with_bare_lists() -> tuple[str, ...]:
    """Collectors whose answers are lists without an object around them."""
    return tuple(
        collector.name
        for collector in COLLECTORS
        if all(isinstance(answer, list) for answer in example_answers(collector.name))
    )
