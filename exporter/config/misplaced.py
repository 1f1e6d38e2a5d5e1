"""Refuse credentials in settings that are no place for them, before anything is opened, created or labeled by them."""

from collections.abc import Iterator, Mapping
from typing import Any

from exporter.config.messages import redact_key
from exporter.errors import ConfigurationError
from exporter.redaction import INSTEAD_OF_PATH, holds_credential, is_credential

SECRETS = frozenset({"token", "password"})
"""The settings that hold a credential themselves."""
PATH_ENDINGS = ("file", "dir", "config")

ELSEWHERE = "holds a credential; put that into a file and name the file as token_file or private_key_file"


def refuse_in_document(document: Any, path: str, secrets: frozenset[str] = SECRETS) -> None:
    """Refuse a credential anywhere in the mapping of a file but in the settings called *secrets*.

    Raises:
        ConfigurationError: there is one.
    """
    for name, key, value in _leaves(document, "", "", set()):
        if key not in secrets:
            _refuse(f"{path}: {name}", key, value)


def refuse_in_environment(environment: Mapping[str, str], prefix: str) -> None:
    """Refuse a credential in a variable that is none of the secrets.

    Raises:
        ConfigurationError: there is one.
    """
    for variable, value in sorted(environment.items()):
        key = variable.removeprefix(prefix).lower()
        if key not in SECRETS:
            _refuse(variable, key, value)


def _refuse(name: str, key: str, value: str) -> None:
    if key.endswith(PATH_ENDINGS):
        if is_credential(value):
            raise ConfigurationError(f"{name}: {INSTEAD_OF_PATH}")
    elif holds_credential(value):
        raise ConfigurationError(f"{name}: {ELSEWHERE}")


def _leaves(value: Any, name: str, key: str, seen: set[int]) -> Iterator[tuple[str, str, str]]:
    """Name, last key and text of every scalar in *value*; what an alias of YAML repeats, only once."""
    if isinstance(value, Mapping | list):
        if id(value) in seen:
            return
        seen.add(id(value))
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for part, inner in parts:
            if isinstance(value, Mapping):
                yield from _leaves(inner, f"{name}.{redact_key(str(part))}".lstrip("."), str(part), seen)
            else:
                yield from _leaves(inner, f"{name}[{part}]", key, seen)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield name, key, str(value)
