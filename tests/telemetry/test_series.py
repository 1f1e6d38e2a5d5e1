"""Series that are written when they change."""

import pytest

from exporter.metrics.metric import Metric
from exporter.telemetry.series import Family, Scalar

REQUESTS = Metric("ghe_exporter_api_requests_total", "Requests.", ("path",), type="counter")


@pytest.mark.parametrize("openmetrics", [False, True])
def test_unchanged_family_is_the_same_text(*, openmetrics: bool) -> None:
    """What has not changed is not joined again, so that it is neither encoded nor compressed again."""
    family = Family(REQUESTS, Scalar)
    family.labels("/meta").inc()
    first = family.render(openmetrics=openmetrics)
    assert family.render(openmetrics=openmetrics) is first
    assert family.render(openmetrics=not openmetrics) != first
    assert family.render(openmetrics=openmetrics) is first


def test_changed_family_is_written_again() -> None:
    """A value, a new series and a removed one show in the next text."""
    family = Family(REQUESTS, Scalar)
    assert family.render(openmetrics=False).count("\n") == 2
    family.labels("/meta").inc()
    assert family.render(openmetrics=False).endswith('{path="/meta"} 1\n')
    family.labels("/meta").inc()
    assert family.render(openmetrics=False).endswith('{path="/meta"} 2\n')
    family.labels("/versions")
    assert family.render(openmetrics=False).endswith('{path="/versions"} 0\n')
    family.remove_by_labels({"path": "/versions"})
    assert family.render(openmetrics=False).endswith('{path="/meta"} 2\n')
