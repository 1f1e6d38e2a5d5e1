"""A telemetry and what it exposes, as tests report to it and read it."""

import prometheus_client
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.github.endpoint import Endpoint
from exporter.github.rate_limit import RateLimitWindow
from exporter.runtime.discovery import Chosen
from exporter.runtime.status import Key, LevelStatus, StatusBoard, Watch
from exporter.telemetry.declarations import OWN_METRICS
from exporter.telemetry.telemetry import Telemetry

LICENSES, RUNNERS = Key("acme", "licenses"), Key("acme", "runners")
SEATS = Endpoint("/enterprises/{enterprise}/consumed-licenses", "read:enterprise")
RUNNER_LIST = Endpoint("/enterprises/{enterprise}/actions/runners", "manage_runners:enterprise")
USERS = Endpoint("/enterprises/{enterprise}/users", "read:enterprise", revalidate=False)
CREDENTIALS = frozenset({"auth", "runner_auth", "organization:acme-web"})
Series = dict[tuple[str, ...], float]


class TelemetryHarness:
    """A telemetry and what it exposes."""

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # as the exporter does
        self.statuses = StatusBoard()
        paths = {"licenses": frozenset({SEATS.path}), "runners": frozenset({RUNNER_LIST.path})}
        self.telemetry = Telemetry(self.statuses, version="1.2.3", revision="abc", process_metrics=False, paths=paths)
        self.api = self.telemetry.observer("acme")
        self.reconcile()

    def reconcile(self, *keys: Key, **credentials: frozenset[str]) -> None:
        """Count for these *keys* and *credentials*, by default for all credentials of two enterprises."""
        self.telemetry.reconcile(set(keys), credentials or {"acme": CREDENTIALS, "globex": CREDENTIALS})

    def show(self, key: Key, status: LevelStatus) -> None:
        """Begin to watch *key*, whose only level has this *status*."""
        self.reconcile(key)
        self.statuses.reconcile({key: Watch("f", 60)})
        self.statuses.put(key.level(), status)

    def families(self) -> dict[str, Family]:
        """What the text format says, by name of the family as it is written there."""
        return {family.name: family for family in parse_text(self.telemetry.render(openmetrics=False).decode())}

    def series(self, name: str) -> Series:
        """Values of one metric by the values of its labels, in the order of the declaration."""
        [declared] = [metric for metric in OWN_METRICS if name.startswith(metric.name)]
        labels = (*declared.labels, "le") if name.endswith("_bucket") else declared.labels
        samples = [sample for family in self.families().values() for sample in family.samples]
        return {
            tuple(sample.labels[label] for label in labels): sample.value for sample in samples if sample.name == name
        }

    def fill(self) -> None:
        """Let everything happen that makes a series."""
        self.show(LICENSES, LevelStatus(succeeded_at=5, duration=0.5, success=True, available=True, requests=1))
        self.telemetry.dropped(LICENSES, {"ghe_seats": 7})
        self.telemetry.set_organizations({"acme": Chosen(("acme-web",), excluded=2, left_out=3)})
        self.telemetry.reloaded(9)
        self.telemetry.state_written(True)
        self.api.attempted(SEATS, "200", 0.3)
        self.api.authenticated("auth", accepted=True)
        self.api.rate_limit("auth", RateLimitWindow("core", 5000, 4000, 99))
        self.api.token_expires("auth", 77)
        self.api.sunset(SEATS, 88)
