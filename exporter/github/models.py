"""The fields we read of GitHub's answers, and how far an answer may stray from the documentation.

Every field is optional, every number may be text, every flag may be "", every list null. What cannot be
understood counts as not reported; only a record that is no object, or lacks its identity, is refused.
"""

import math
import re
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

# Possessive: of a long text that is no number every division would be tried, for hours, with every thread waiting.
_NUMBER = re.compile(r"[+-]?([0-9]++\.?[0-9]*+|\.[0-9]++)([eE][+-]?[0-9]++)?")
MAX_LABEL = 256
"""Characters of a label; GitHub allows a runner's as many."""
_FORMATS = ("%Y/%m/%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC")


def number(value: Any) -> float | None:
    """A finite number, also when GitHub writes it as text; None for everything else."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        result = float(value)
    except OverflowError:
        return None
    return result if math.isfinite(result) else None


def text(value: Any) -> str:
    """Text or an identifier as text; empty when GitHub does not report it."""
    if isinstance(value, str):
        return value
    reported = number(value)
    if reported is None:
        return ""
    if isinstance(value, int):
        return str(value)  # exact, where a float would merge neighbouring identifiers
    return f"{reported:.0f}" if reported.is_integer() else str(reported)


def short_text(value: Any) -> str:
    """Text of at most `MAX_LABEL` characters, from where nobody vouches for it."""
    return text(value)[:MAX_LABEL]


def flag(value: Any) -> bool | None:
    """A boolean; None for null, "" and everything else that is not one."""
    return value if isinstance(value, bool) else None


def texts(value: Any) -> tuple[str, ...]:
    """The non-empty texts of a list; none when it is missing or no list."""
    return tuple(item for item in value if isinstance(item, str) and item) if isinstance(value, list) else ()


def optional_texts(value: Any) -> tuple[str, ...] | None:
    """Like `texts`, but None when it is missing or no list."""
    return texts(value) if isinstance(value, list) else None


def timestamp(value: Any) -> float | None:
    """Unix time of a date in any of the ways GitHub writes one; None when it cannot be read.

    Zero dates (`0001-01-01T00:00:00Z`) and everything before 1970 stand for "never".
    """
    if not isinstance(value, str):
        return None
    moment = _moment(value.strip())
    if moment is None:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if seconds > 0 else None


def _moment(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        pass
    for pattern in _FORMATS:
        try:
            return datetime.strptime(value, pattern)  # noqa: DTZ007 - a missing zone is UTC, see timestamp()
        except ValueError:
            continue
    return None


def record(value: Any) -> Any:
    """An object nested in a record; anything else counts as an empty one."""
    return value if isinstance(value, dict) else {}


Number = Annotated[float | None, BeforeValidator(number)]
Text = Annotated[str, BeforeValidator(text)]
ShortText = Annotated[str, BeforeValidator(short_text)]
Identity = Annotated[str, BeforeValidator(text), StringConstraints(min_length=1)]
Flag = Annotated[bool | None, BeforeValidator(flag)]
Texts = Annotated[tuple[str, ...], BeforeValidator(texts)]
OptionalTexts = Annotated[tuple[str, ...] | None, BeforeValidator(optional_texts)]
Timestamp = Annotated[float | None, BeforeValidator(timestamp)]


class Record(BaseModel):
    """An object of GitHub's; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Seats(Record):
    """Totals that every page of `consumed-licenses` repeats."""

    total_seats_consumed: Number = None
    total_seats_purchased: Number = None


class LicenseUser(Record):
    """A person of `consumed-licenses`, without name, e-mail or profile."""

    github_com_login: Text = ""
    enterprise_server_user_ids: Texts = ()
    github_com_user: Flag = None
    enterprise_server_user: Flag = None
    visual_studio_subscription_user: Flag = None
    license_type: Text = ""
    github_com_member_roles: OptionalTexts = None
    github_com_enterprise_roles: Texts = ()
    # GitHub's own example carries the singular spelling beside the documented list.
    github_com_enterprise_role: Text = ""
    github_com_orgs_with_pending_invites: Texts = ()
    github_com_two_factor_auth: Flag = None
    total_user_accounts: Number = None


class LastSync(Record):
    """The newest license sync of a server."""

    date: Timestamp = None
    status: Text = ""


class ServerInstance(Record):
    """A GitHub Enterprise Server connected by GitHub Connect."""

    server_id: Text = ""
    hostname: Text = ""
    last_sync: Annotated[LastSync, BeforeValidator(record)] = LastSync()


class RunnerLabel(NamedTuple):
    """A label of a runner, in lower case as GitHub matches it; whether a person chose it, if that is reported."""

    name: str
    is_custom: bool | None


MAX_LABELS = 100


def runner_labels(value: Any) -> tuple[RunnerLabel, ...]:
    """The labels of a runner, bounded in number and length; old servers list them as texts."""
    items = value[:MAX_LABELS] if isinstance(value, list) else []
    found = [item if isinstance(item, dict) else {"name": item} for item in items]
    kinds = {"custom": True, "read-only": False}
    return tuple(
        RunnerLabel(name[:MAX_LABEL].lower(), kinds.get(text(item.get("type")).lower()))
        for item in found
        for name in [text(item.get("name")).strip()]
        if name
    )


class Runner(Record):
    """A self-hosted runner."""

    id: Identity
    name: Text = ""
    os: Text = ""
    status: Text = ""
    busy: Flag = None
    ephemeral: Flag = None
    version: Text = ""
    runner_group_id: Text = ""
    labels: Annotated[tuple[RunnerLabel, ...], BeforeValidator(runner_labels)] = ()


class RunnerGroup(Record):
    """A group of runners."""

    id: Identity
    name: Text = ""
    visibility: Text = ""
    default: Flag = None
    allows_public_repositories: Flag = None
    restricted_to_workflows: Flag = None


class RunnerApplication(Record):
    """A release of the runner application offered for download; its token is never read."""

    os: Text = ""
    architecture: Text = ""
    filename: Text = ""
    download_url: Text = ""
