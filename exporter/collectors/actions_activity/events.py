"""Events of the audit log about Actions; of their fields only what is counted, and nothing about people."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field

from exporter.collectors.common.labels import LOGIN
from exporter.collectors.common.runner_labels import READ_ONLY
from exporter.github.models import MAX_LABEL, MAX_LABELS, Flag, Identity, Record, Text, number, timestamp

MILLISECONDS_FROM = 1e11
"""Larger numbers are milliseconds, as GitHub writes them: in seconds they would lie thousands of years ahead."""


class Action(StrEnum):
    """The events that say something about waiting."""

    RUN_CREATED = "workflows.created_workflow_run"
    JOB_STARTED = "workflows.prepared_workflow_job"
    RUN_COMPLETED = "workflows.completed_workflow_run"


def moment(value: Any) -> float | None:
    """Unix time of an event: milliseconds, or a date."""
    reported = number(value)
    if reported is None:
        return timestamp(value)
    return reported / 1000 if reported > MILLISECONDS_FROM else reported


def custom_labels(value: Any) -> tuple[str, ...]:
    """The labels that a job asks for, without those of every runner: in lower case, each once, bounded in number."""
    listed = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    names = (item.strip()[:MAX_LABEL].lower() for item in listed[:MAX_LABELS] if isinstance(item, str))
    return tuple(dict.fromkeys(name for name in names if name and name not in READ_ONLY))


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("before 1970")
    return value


def _login(value: str) -> str:
    return value if LOGIN.fullmatch(value) else ""


class Event(Record):
    """An event; without an identity or a time it cannot be counted once."""

    document_id: Identity = Field(validation_alias="_document_id")
    at: Annotated[float, BeforeValidator(moment), AfterValidator(_positive)] = Field(
        validation_alias=AliasChoices("@timestamp", "created_at")
    )
    action: Text = ""
    org: Annotated[Text, AfterValidator(_login)] = ""
    workflow_run_id: Text = ""
    runner_labels: Annotated[tuple[str, ...], BeforeValidator(custom_labels)] = ()
    is_hosted_runner: Flag = None
