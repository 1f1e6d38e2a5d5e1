"""Series and their values as properties of collectors compare them."""

import math
import re
from typing import Any

from tests.support.harness import CollectorHarness

Labels = tuple[str, ...]


def number_of(value: Any) -> float | None:
    """The number that *value* is or spells."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def exposed(harness: CollectorHarness, metric: str) -> dict[Labels, float]:
    """Series of *metric* by their label values, without the enterprise."""
    pairs = ((name.partition("{"), value) for name, value in harness.series.items())
    return {tuple(re.findall(r'="([^"]*)"', rest)[1:]): value for (name, _, rest), value in pairs if name == metric}
