"""Words for what is wrong with a setting: no Python, and no value that may be a secret."""

import re
from collections.abc import Mapping

from exporter.redaction import REDACTED, holds_credential

UNKNOWN = "there is no such setting"
WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": UNKNOWN,
    "invalid_key": UNKNOWN,
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


def describe_error(kind: str, message: str) -> str:
    """The words for a problem that pydantic found."""
    message = message.removeprefix("Value error, ").replace("Input should be", "must be", 1)
    message = message.replace("Tuple should have", "must have", 1).replace(" after validation", "", 1)
    return WORDS.get(kind, message).replace("\n", " ")


def redact_key(key: str) -> str:
    """*key*, unless it is so unlike a setting that it may be a secret in the wrong place."""
    is_setting = re.fullmatch(r"[A-Za-z_-]{1,38}[0-9]?|[0-9]{1,6}", key) and not holds_credential(key)
    return key if is_setting else REDACTED
