"""What a stored result must agree with to be used again."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from exporter import __version__
from exporter.collector import Allowances, BillingPlatform, Collector, CollectorOptions
from exporter.revision import REVISION

RELEASE = f"{__version__} {REVISION}"

TIMING_OPTIONS = {"enabled", "interval", "max_age"}
"""Options that change when something is read and shown, not what."""
CREDENTIALS_DIGITS = 6


def fingerprint(
    release: str,
    address: str,
    collector: Collector[Any],
    options: CollectorOptions,
    included: Allowances,
    billing_platform: BillingPlatform,
    expected_labels: Sequence[str] = (),
    properties: Sequence[str] = (),
) -> str:
    """A digest of everything that shapes the results of *collector*: code, declarations, *address*, settings."""
    shape = {
        "release": release,
        "address": address,
        "collector": collector.name,
        "metrics": [(metric.name, metric.labels, metric.dropped_with) for metric in collector.metrics],
        "options": options.model_dump(mode="json", exclude=TIMING_OPTIONS),
        "included": included.model_dump(mode="json"),
        "billing_platform": billing_platform,
        "expected_labels": [*expected_labels],
        "properties": [*properties],
    }
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()


def credentials_digest(secrets: Mapping[str, str]) -> str:
    """A few digits that change with the credentials; far too few to confirm a guess at one."""
    text = json.dumps(sorted(secrets.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:CREDENTIALS_DIGITS]
