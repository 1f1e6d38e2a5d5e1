"""Values of custom properties as label values. People write them: what is no short plain name is left out whole."""

import re
from typing import Any

from exporter.github.models import text
from exporter.redaction import holds_credential

MAX_CHARACTERS = 100
"""Longer texts are prose. GitHub allows 75 for a value; a list has room for a few of them."""
MAX_ITEMS = 10

_ADDRESS = re.compile(
    r"@"  # an e-mail address, or a mention
    r"|[a-z][a-z0-9+.-]*:/"  # any scheme
    r"|\b(mailto|tel|urn|data|javascript):"
    r"|\bwww\."
    r"|[a-z0-9-]\.[a-z]{2,}[/:?#]",  # a host with a path or port
    re.IGNORECASE,
)


def property_value(value: Any) -> str | None:
    """The label value of a property; None for what must not be one, empty for none.

    A list is joined by commas. Of a list with one bad item nothing is shown: the rest would read as all of it.
    """
    items = [text(item).strip() for item in value] if isinstance(value, list) else [_scalar(value)]
    joined = ",".join(item for item in items if item)
    return joined if len(items) <= MAX_ITEMS and is_label_value(joined) else None


def is_label_value(value: str) -> bool:
    """Whether *value* may be shown: short, printable, no address of a person or page, and no credential."""
    return (
        len(value) <= MAX_CHARACTERS
        and value.isprintable()
        and _ADDRESS.search(value) is None
        and not holds_credential(value)
    )


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else text(value).strip()
