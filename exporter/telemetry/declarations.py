"""Declarations of the exporter's metrics about itself; `exporter.telemetry.telemetry` fills them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class OwnMetric:
    """A metric of the exporter itself; a counter's name is given as exposed, with `_total`."""

    name: str
    type: Literal["gauge", "counter", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


RUN = ("enterprise", "collector")
REQUEST = ("enterprise", "path")
LIMIT = ("enterprise", "credential", "resource")

UP = OwnMetric("ghe_up", "gauge", "Whether the API accepts the credentials.", ("enterprise",))
SUCCESS = OwnMetric("ghe_exporter_collector_success", "gauge", "Whether the last run succeeded.", RUN)
LAST_SUCCESS = OwnMetric(
    "ghe_exporter_collector_last_success_timestamp_seconds", "gauge", "When a run last succeeded; 0 if never.", RUN
)
DURATION = OwnMetric("ghe_exporter_collector_duration_seconds", "gauge", "How long the last run took.", RUN)
INTERVAL = OwnMetric("ghe_exporter_collector_interval_seconds", "gauge", "Time from one run to the next.", RUN)
AVAILABLE = OwnMetric(
    "ghe_exporter_collector_available", "gauge", "Whether this platform and credential offer what it reads.", RUN
)
FAILURES = OwnMetric("ghe_exporter_collector_failures_total", "counter", "Failed runs by reason.", (*RUN, "reason"))
SKIPPED = OwnMetric("ghe_exporter_payload_skipped_total", "counter", "Malformed records left out.", RUN)
DROPPED = OwnMetric(
    "ghe_exporter_series_dropped",
    "gauge",
    "Series of a metric left out because they are more than the limit.",
    ("enterprise", "metric"),
)
REQUESTS = OwnMetric(
    "ghe_exporter_api_requests_total", "counter", "Requests by status; empty without an answer.", (*REQUEST, "code")
)
REQUEST_SECONDS = OwnMetric(
    "ghe_exporter_api_request_duration_seconds", "histogram", "Time from a request to the end of its answer.", REQUEST
)
RETRIES = OwnMetric("ghe_exporter_api_retries_total", "counter", "Requests repeated at once.", REQUEST)
NOT_MODIFIED = OwnMetric(
    "ghe_exporter_api_not_modified_total", "counter", "Answers that had not changed and cost no quota.", REQUEST
)
RATE_LIMIT = OwnMetric("ghe_rate_limit_limit", "gauge", "Requests a window of the rate limit allows.", LIMIT)
RATE_REMAINING = OwnMetric("ghe_rate_limit_remaining", "gauge", "Requests left in the window.", LIMIT)
RATE_RESET = OwnMetric("ghe_rate_limit_reset_timestamp_seconds", "gauge", "When the window ends.", LIMIT)
TOKEN_EXPIRATION = OwnMetric(
    "ghe_token_expiration_timestamp_seconds",
    "gauge",
    "When the token expires; absent if it never does.",
    ("enterprise", "credential"),
)
RELOAD_SUCCESSFUL = OwnMetric(
    "ghe_exporter_config_last_reload_successful", "gauge", "Whether the last load of the configuration succeeded."
)
RELOAD_SUCCESS_AT = OwnMetric(
    "ghe_exporter_config_last_reload_success_timestamp_seconds", "gauge", "When the configuration was last loaded."
)
STATE_WRITTEN = OwnMetric(
    "ghe_exporter_state_last_write_successful", "gauge", "Whether state_dir was last written to; absent without one."
)
BUILD_INFO = OwnMetric(
    "ghe_exporter_build_info", "gauge", "Always 1; what is running.", ("version", "revision", "python_version")
)

OWN_METRICS = (
    UP,
    SUCCESS,
    LAST_SUCCESS,
    DURATION,
    INTERVAL,
    AVAILABLE,
    FAILURES,
    SKIPPED,
    DROPPED,
    REQUESTS,
    REQUEST_SECONDS,
    RETRIES,
    NOT_MODIFIED,
    RATE_LIMIT,
    RATE_REMAINING,
    RATE_RESET,
    TOKEN_EXPIRATION,
    RELOAD_SUCCESSFUL,
    RELOAD_SUCCESS_AT,
    STATE_WRITTEN,
    BUILD_INFO,
)
