"""Read a YAML file that holds one mapping of settings."""

import re
from pathlib import Path
from typing import Any

import yaml

from exporter.config.messages import redact_key
from exporter.errors import ConfigurationError
from exporter.redaction import INSTEAD_OF_PATH, describe_path, is_credential
from exporter.regular_file import NotRegularFileError, check_path, read_regular_file

CORE = "tag:yaml.org,2002:"
TEXT = f"{CORE}str"
MERGE = f"{CORE}merge"


class StrictLoader(yaml.SafeLoader):
    """A loader that takes every key as text, as written, and refuses one that stands twice in a mapping.

    YAML itself forbids the latter and PyYAML does not. Settings have no keys but text: `000`, which is what `50,000` in
    braces ends with, would otherwise be reported as 0.
    """

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """Compose a mapping; what it merges in may well repeat its keys."""
        node = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                key.tag = TEXT if key.tag.startswith(CORE) else key.tag
                if (key.tag, key.value) in seen:
                    problem = f"the key {redact_key(str(key.value))} for the second time"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add((key.tag, key.value))
        return node


def read_mapping(path: Path, kind: str = "configuration") -> dict[str, Any] | None:
    """The mapping that *path* holds, or None if there is nothing in it.

    Raises:
        ConfigurationError: it cannot be read or is something else; the message calls it the *kind*.
    """
    shown_path = describe_path(path)
    text = _read(path, kind)
    try:
        document = yaml.load(text, StrictLoader)  # noqa: S506 - a safe loader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # What stands in quotes may be a token that begins like an alias or a tag.
        problem = re.sub(r" '[^'<][^']{2,}'", "", error.problem or "")
        raise ConfigurationError(f"{shown_path}{place}: not YAML: {problem}") from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position].split("\n")
        place = f", line {len(before)}, column {len(before[-1]) + 1}"
        raise ConfigurationError(f"{shown_path}{place}: not YAML: {error.reason}") from None
    except ValueError:
        raise ConfigurationError(f"{shown_path}: not YAML: it holds a date or a number that does not exist") from None
    except RecursionError:
        raise ConfigurationError(f"{shown_path}: not YAML: it is nested too deeply") from None
    if document is None:
        return None
    if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
        raise ConfigurationError(f"{shown_path}: must be a mapping of settings")
    return document


def _read(path: Path, kind: str) -> str:
    """The text of *path*, which may be a pipe: a secret manager may write the settings there."""
    name = f"the {kind} {describe_path(path)}"
    try:
        check_path(str(path))
        if is_credential(str(path)):
            raise ConfigurationError(f"{name} {INSTEAD_OF_PATH}")
        content = read_regular_file(path)[0]
    except NotRegularFileError:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {name}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{name} {error}") from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{describe_path(path)}: not YAML: it is not UTF-8 text") from None
