"""What a client of /metrics accepts: the exposition format and the content coding (RFC 9110, section 12)."""

from collections.abc import Iterator
from typing import NamedTuple

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Preference(NamedTuple):
    """One member of an Accept header."""

    value: str
    quality: float
    parameters: dict[str, str]


def preferences(header: str) -> Iterator[Preference]:
    """Read an Accept or Accept-Encoding header; a member that makes no sense is left out."""
    for member in header.split(","):
        value, *rest = (part.strip() for part in member.split(";"))
        parameters = {}
        for parameter in rest:
            name, _, content = parameter.partition("=")
            parameters[name.strip().lower()] = content.strip().strip('"')
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if value:
            yield Preference(value.lower(), quality, parameters)


def content_type(accept: str) -> str:
    """The format to answer with: text unless OpenMetrics 1.0 is asked for and text is not preferred."""
    text = openmetrics = 0.0
    for value, quality, parameters in preferences(accept):
        if value == "application/openmetrics-text" and parameters.get("version", "1.0.0") == "1.0.0":
            openmetrics = max(openmetrics, quality)
        elif value in {"text/plain", "text/*"}:
            text = max(text, quality)
    return OPENMETRICS if openmetrics > 0 and openmetrics >= text else TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the client takes gzip."""
    qualities = {value: quality for value, quality, _ in preferences(accept_encoding)}
    return qualities.get("gzip", qualities.get("*", 0)) > 0
