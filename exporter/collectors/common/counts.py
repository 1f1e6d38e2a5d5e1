"""How many records a list has, without reading them."""

from collections.abc import Mapping

from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import number
from exporter.github.reader import GitHub


def total_count(github: GitHub, endpoint: Endpoint, query: Mapping[str, str | int] | None = None, **path: str) -> float:
    """What a list announces as its length; one record is asked for, none is kept.

    Raises:
        PayloadError: it announces none.
    """
    total = number(github.get_object(endpoint, {**(query or {}), "per_page": 1}, **path).get("total_count"))
    if total is None or total < 0:
        raise PayloadError(f"{endpoint}: no total_count in the answer")
    return total
