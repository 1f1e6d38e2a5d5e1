"""What was probably meant by a wrong setting."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from exporter.config.environment import PREFIX
from exporter.config.messages import redact_key

MIN_SIMILARITY = 0.6
COMMA_HINT = "; write a number without commas, as 50000"
GROUPED_NUMBER = re.compile(r"\s*[0-9]{1,3}(,[0-9]{3})+\s*")
GROUP = re.compile(r"[0-9]{3}")


def spell(location: Iterable[int | str]) -> str:
    """The key at *location*, as in `enterprises[0].auth`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{redact_key(part)}" for part in location).lstrip(".")


def hint(problem: Mapping[str, Any], model: type[BaseModel], *, to_variable: bool = False) -> str:
    """What was probably meant by what pydantic found wrong with settings of *model*, as key or *to_variable*."""
    location, kind = problem["loc"], problem["type"]
    if kind in {"extra_forbidden", "invalid_key"}:
        key = str(location[-1])
        close = closest(key, known_keys(location[:-1], model))
        if close and to_variable:
            close = PREFIX + "__".join([*map(str, location[:-1]), close]).upper()
        return COMMA_HINT if GROUP.fullmatch(key) else did_you_mean(close)
    written = problem.get("input")
    if kind.endswith("_parsing") and isinstance(written, str) and GROUPED_NUMBER.fullmatch(written):
        return COMMA_HINT
    return ""


def closest(written: str, known: Iterable[str]) -> str:
    """The one of the *known* names that *written* resembles most; empty if it resembles none."""
    return next(iter(difflib.get_close_matches(written.lower(), sorted(known), n=1, cutoff=MIN_SIMILARITY)), "")


def did_you_mean(name: str) -> str:
    """The hint at a *name*; empty for none."""
    return f"; did you mean {name}?" if name else ""


def known_keys(location: Iterable[int | str], model: type[BaseModel]) -> frozenset[str]:
    """The keys that the mapping at *location* may have."""
    owners = [model]
    for part in location:
        if isinstance(part, str):
            fields = [owner.model_fields[part] for owner in owners if part in owner.model_fields]
            owners = [found for field in fields for found in _models(field.annotation)]
    return frozenset(name for owner in owners for name in owner.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
