"""What the report of `check --json` says, in the shape that tests compare."""

from collections.abc import Callable
from typing import Any

from exporter.collectors import COLLECTORS
from exporter.doctor.advice import CredentialWarning
from exporter.errors import Cause

ENABLED = [collector for collector in COLLECTORS if collector.enabled]
Check = Callable[..., dict[str, Any]]


def causes(found: dict[str, Any]) -> dict[str, str | None]:
    """The cause for each path that was found wanting, of the only enterprise."""
    (enterprise,) = found["enterprises"]
    return {item["endpoint"]: item["cause"] for item in enterprise["checks"] if item["state"] == "failed"}


def states(found: dict[str, Any]) -> set[tuple[str, str]]:
    """Collectors and their states."""
    return {(item["collector"], item["state"]) for each in found["enterprises"] for item in each["checks"]}


def advice(found: dict[str, Any], cause: Cause) -> str:
    """The advice that is given for *cause*; it is the same wherever it is given."""
    items = [item for each in found["enterprises"] for item in each["checks"]]
    (text,) = {item["advice"] for item in items if item["cause"] == cause and item["state"] != "skipped"}
    return str(text)


def warnings(found: dict[str, Any]) -> set[str]:
    """Every warning but those about unencrypted addresses and budgets, which the simulated company always has."""
    facts = {item["warning"] for each in found["enterprises"] for item in each["warnings"]}
    return facts - {CredentialWarning.PLAINTEXT_API_URL.value, CredentialWarning.BUDGETS_WITHOUT_CONSUMPTION.value}
