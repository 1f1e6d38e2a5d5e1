"""Faults in what the JSON says: pure functions from a payload to a damaged one."""

from collections.abc import Callable, Mapping
from itertools import cycle
from types import MappingProxyType
from typing import Any

LONG_NAME = 100_000
HOSTILE = '"quoted" \\back\\slash\nnew line {brace="x"} \u2028\x00\N{GRINNING FACE} '
NAME_KEYS = frozenset(
    {
        "budget_entity_name",
        "github_com_login",
        "github_com_member_roles",
        "hostname",
        "installed_version",
        "license_type",
        "login",
        "name",
        "organizationName",
        "platform",
        "product",
        "repositoryName",
        "server_id",
        "sku",
        "version",
    }
)
SHARE_MISSING = 2
TOTALS = frozenset({"total_count", "totalResults", "total_seats"})
SURPLUS = 1_000


def nulls(payload: Any) -> Any:
    """Make every value null."""
    return _values(payload, lambda _: None)


def strings_for_numbers(payload: Any) -> Any:
    """Make every number a string."""
    return _numbers(payload, str)


def nan(payload: Any) -> Any:
    """Make every number NaN or infinite, which Python's JSON reads without complaint."""
    values = cycle((float("nan"), float("inf"), float("-inf")))
    return _numbers(payload, lambda _: next(values))


def huge_integers(payload: Any) -> Any:
    """Make every number one that no float can hold."""
    return _numbers(payload, lambda number: 10**400 + int(number))


def hostile_labels(payload: Any) -> Any:
    """Put into names what breaks a text format that does not escape; the first name is very long."""
    endings = iter(["x" * LONG_NAME])
    return _renamed(payload, lambda name: HOSTILE + name + next(endings, ""), hostile=False)


def missing_keys(payload: Any) -> Any:
    """Leave out the totals of the envelope, and of each record every other key by turns."""
    if not isinstance(payload, dict):
        return _thinned(payload)
    return {key: _thinned(value) for key, value in payload.items() if isinstance(value, dict | list)}


def wrong_types(payload: Any) -> Any:
    """Make lists objects, texts numbers, numbers lists, and flags texts; the object around them stays."""
    if isinstance(payload, dict):
        return {key: _of_another_type(value) for key, value in payload.items()}
    return [_of_another_type(value) for value in payload] if isinstance(payload, list) else payload


def _of_another_type(value: Any) -> Any:
    match value:
        case dict():
            return wrong_types(value)
        case list():
            return {str(place): wrong_types(each) for place, each in enumerate(value)}
        case bool() | None:
            return str(value)
        case str():
            return len(value)
        case _:
            return [value]


def unknown_keys(payload: Any) -> Any:
    """Add to every object what no client has heard of."""
    if isinstance(payload, dict):
        known = {key: unknown_keys(value) for key, value in payload.items()}
        return {"octo_future": {"nested": [1, None, {}]}, **known, "octo_preview": None}
    if isinstance(payload, list):
        return [unknown_keys(value) for value in payload]
    return payload


def total_zero(payload: Any) -> Any:
    """Make the totals of a list 0."""
    return _with_totals(payload, lambda _total, _records: 0)


def total_of_page(payload: Any) -> Any:
    """Make the totals of a list the number of records on the page."""
    return _with_totals(payload, lambda _total, records: records)


def total_too_large(payload: Any) -> Any:
    """Make the totals of a list larger than it is."""
    return _with_totals(payload, lambda total, _records: total + SURPLUS)


def _with_totals(payload: Any, change: Callable[[int, int], int]) -> Any:
    lists = [value for value in payload.values() if isinstance(value, list)] if isinstance(payload, dict) else []
    if not lists:
        return payload
    return {key: change(value, len(lists[0])) if key in TOTALS else value for key, value in payload.items()}


TRANSFORMS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "nulls": nulls,
        "strings-for-numbers": strings_for_numbers,
        "nan": nan,
        "huge-integers": huge_integers,
        "hostile-labels": hostile_labels,
        "missing-keys": missing_keys,
        "wrong-types": wrong_types,
        "unknown-keys": unknown_keys,
        "total-zero": total_zero,
        "total-of-page": total_of_page,
        "total-too-large": total_too_large,
    }
)
"""What each kind does to a payload; `slippage` is not here, for it moves the page."""


def _values(payload: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(payload, dict):
        return {key: _values(value, change) for key, value in payload.items()}
    if isinstance(payload, list):
        return [_values(value, change) for value in payload]
    return change(payload)


def _numbers(payload: Any, change: Callable[[Any], Any]) -> Any:
    def changed(value: Any) -> Any:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return change(value) if is_number else value

    return _values(payload, changed)


def _renamed(payload: Any, change: Callable[[str], str], *, hostile: bool) -> Any:
    if isinstance(payload, dict):
        return {key: _renamed(value, change, hostile=key in NAME_KEYS) for key, value in payload.items()}
    if isinstance(payload, list):
        return [_renamed(value, change, hostile=hostile) for value in payload]
    return change(payload) if hostile and isinstance(payload, str) and payload else payload


def _thinned(payload: Any, turn: int = 0) -> Any:
    if isinstance(payload, list):
        return [_thinned(value, turn) for turn, value in enumerate(payload)]
    if isinstance(payload, dict):
        return {key: value for place, (key, value) in enumerate(payload.items()) if (place + turn) % SHARE_MISSING}
    return payload
