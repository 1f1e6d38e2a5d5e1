"""Read values.yaml with its comments: what each value is called, what it means, what it is by default."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]\w*):")
END_OF_SCALAR = "\n...\n"
COMMENT = re.compile(r" *# ?(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Value:
    """A value that may be set: its path, description and default."""

    path: tuple[str, ...]
    description: str
    default: Any

    @property
    def name(self) -> str:
        """As people write it."""
        return ".".join(self.path)


def values_in(text: str) -> list[Value]:
    """Every value of *text* that has a description, which begins with `# --` and ends at the key.

    Raises:
        ValueError: a value has none, so that nobody could know it.
    """
    defaults = yaml.safe_load(text)
    described = dict(descriptions(text))
    nameless = [".".join(path) for path in leaves(defaults, described, ()) if path not in described]
    if nameless:
        raise ValueError(f"values.yaml: {', '.join(nameless)}: no description, a comment that begins with --")
    return [Value(path, description, found(defaults, path)) for path, description in described.items()]


def descriptions(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths and the comments above them."""
    path: list[str] = []
    lines: list[str] = []
    for line in text.splitlines():
        if comment := COMMENT.fullmatch(line):
            words = comment["text"]
            lines = [words.removeprefix("-- ")] if words.startswith("-- ") else [*lines, words] if lines else []
        elif key := KEY.match(line):
            path = [*path[: len(key["indent"]) // 2], key["key"]]
            if lines:
                yield tuple(path), " ".join(lines)
            lines = []
        else:
            lines = []


def leaves(
    value: dict[str, Any], described: dict[tuple[str, ...], str], above: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    """Paths of the values below *value*; what has a description is one value, whatever it holds."""
    for key, item in value.items():
        path = (*above, key)
        if isinstance(item, dict) and item and path not in described:
            yield from leaves(item, described, path)
        else:
            yield path


def found(values: Any, path: tuple[str, ...]) -> Any:
    """The value at *path*."""
    for key in path:
        values = values[key]
    return values


def rows(values: list[Value]) -> list[tuple[str, str, str]]:
    """The values as rows of a table: name, default, meaning."""
    return [(f"`{value.name}`", shown(value.default), value.description) for value in values]


def shown(default: Any) -> str:
    """*default* in one line of YAML."""
    if default in ("", {}, []):
        return ""
    line = yaml.safe_dump(default, default_flow_style=True, sort_keys=False, width=1_000)
    return f"`{line.removesuffix(END_OF_SCALAR).strip()}`"
