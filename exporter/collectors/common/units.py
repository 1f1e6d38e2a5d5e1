"""Units in which GitHub bills storage."""

import re

from exporter.collectors.common.month import Month

SIZES = {"byte": 1.0, "kilobyte": 1e3, "megabyte": 1e6, "gigabyte": 1e9, "terabyte": 1e12}
SIZES |= {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_STORED = re.compile(rf"({'|'.join(SIZES)})s?_(hour|day|month)s?")


def byte_hours(unit: str, month: Month) -> float | None:
    """How many bytes, stored for an hour, one of *unit* is in *month*; None for what is no unit of storage.

    The platform bills `gigabyte_hours`; `GigabyteMonths` are documented as well.
    """
    found = _STORED.fullmatch(unit)
    if found is None:
        return None
    return SIZES[found[1]] * {"hour": 1, "day": 24, "month": month.hours}[found[2]]
