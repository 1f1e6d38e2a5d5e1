"""Words for what is wrong with a setting: no Python, and no value that may be a secret."""

import re
from collections.abc import Mapping

from exporter.redaction import REDACTED, holds_credential

WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such setting",
    "invalid_key": "there is no such setting",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must have at least one entry",
    "model_type": "must be a mapping of settings",
    "dict_type": "must be a mapping",
    "string_type": "must be text; quote what YAML takes for something else",
    "path_type": "must be a path",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
}
"""What to say for the types of pydantic's errors that speak of Python."""


def complaint(kind: str, message: str) -> str:
    """What a problem that pydantic found is called here."""
    message = message.removeprefix("Value error, ").replace("Input should be", "must be", 1)
    return WORDS.get(kind, message).replace("\n", " ")


def shown(key: str) -> str:
    """*key*, unless it is so unlike a setting that it may be a secret in the wrong place."""
    return key if re.fullmatch(r"[A-Za-z_-]{1,38}[0-9]?", key) and not holds_credential(key) else REDACTED
