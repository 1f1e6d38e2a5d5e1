"""Declarations of the exporter's metrics about itself; `exporter.telemetry.telemetry` fills them."""

from exporter.metrics.metric import Metric

RUN = ("enterprise", "collector")
REQUEST = ("enterprise", "path")
LIMIT = ("enterprise", "credential", "resource")

UP = Metric("ghe_up", "Whether the API accepts the credentials.", ("enterprise",))
SUCCESS = Metric("ghe_exporter_collector_success", "Whether the last run succeeded.", RUN)
LAST_SUCCESS = Metric(
    "ghe_exporter_collector_last_success_timestamp_seconds", "When a run last succeeded; 0 if never.", RUN
)
DURATION = Metric("ghe_exporter_collector_duration_seconds", "How long the last run took.", RUN)
INTERVAL = Metric(
    "ghe_exporter_collector_interval_seconds",
    "Time from one run to the next, as it is in force; longer than configured where the rate limit demands it.",
    RUN,
)
CONFIGURED_INTERVAL = Metric(
    "ghe_exporter_collector_configured_interval_seconds", "Time from one run to the next, as it is configured.", RUN
)
COLLECTOR_REQUESTS = Metric(
    "ghe_exporter_collector_requests",
    "Requests of the last run, with those that were repeated or answered by 304.",
    RUN,
)
AVAILABLE = Metric("ghe_exporter_collector_available", "Whether this platform and credential offer what it reads.", RUN)
FAILURES = Metric("ghe_exporter_collector_failures_total", "Failed runs by reason.", (*RUN, "reason"), type="counter")
SKIPPED = Metric("ghe_exporter_payload_skipped_total", "Malformed records left out.", RUN, type="counter")
DROPPED = Metric(
    "ghe_exporter_series_dropped",
    "Series of a metric left out because they are more than the limit.",
    ("enterprise", "metric"),
)
ORGANIZATIONS = Metric(
    "ghe_exporter_organizations",
    "Organizations whose own runners are read, and those found that are refused, excluded, or left out as too many.",
    ("enterprise", "state"),
)
REQUESTS = Metric(
    "ghe_exporter_api_requests_total",
    "Requests by status; empty without an answer.",
    (*REQUEST, "code"),
    type="counter",
)
REQUEST_SECONDS = Metric(
    "ghe_exporter_api_request_duration_seconds",
    "Time from a request to the end of its answer.",
    REQUEST,
    type="histogram",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RETRIES = Metric("ghe_exporter_api_retries_total", "Requests retried.", REQUEST, type="counter")
NOT_MODIFIED = Metric(
    "ghe_exporter_api_not_modified_total", "Answers that had not changed and cost no quota.", REQUEST, type="counter"
)
RATE_LIMIT = Metric("ghe_rate_limit_limit", "Requests a window of the rate limit allows.", LIMIT)
RATE_REMAINING = Metric("ghe_rate_limit_remaining", "Requests left in the window.", LIMIT)
RATE_RESET = Metric("ghe_rate_limit_reset_timestamp_seconds", "When the window ends.", LIMIT)
TOKEN_EXPIRATION = Metric(
    "ghe_token_expiration_timestamp_seconds",
    "When the token expires; absent if it never does.",
    ("enterprise", "credential"),
)
SUNSET = Metric(
    "ghe_exporter_api_sunset_timestamp_seconds",
    "When GitHub stops offering an endpoint that is read; absent if it announces no such time.",
    REQUEST,
)
RELOAD_SUCCESSFUL = Metric(
    "ghe_exporter_config_last_reload_successful", "Whether the last load of the configuration succeeded."
)
RELOAD_SUCCESS_AT = Metric(
    "ghe_exporter_config_last_reload_success_timestamp_seconds", "When the configuration was last loaded."
)
STATE_WRITTEN = Metric(
    "ghe_exporter_state_last_write_successful", "Whether state_dir was last written to; absent without one."
)
LOG_ERRORS = Metric("ghe_exporter_log_errors_total", "Log lines that could not be written.", type="counter")
BUILD_INFO = Metric("ghe_exporter_build_info", "Always 1; what is running.", ("version", "revision", "python_version"))

OWN_METRICS = (
    UP,
    SUCCESS,
    LAST_SUCCESS,
    DURATION,
    INTERVAL,
    CONFIGURED_INTERVAL,
    COLLECTOR_REQUESTS,
    AVAILABLE,
    FAILURES,
    SKIPPED,
    DROPPED,
    ORGANIZATIONS,
    REQUESTS,
    REQUEST_SECONDS,
    RETRIES,
    NOT_MODIFIED,
    RATE_LIMIT,
    RATE_REMAINING,
    RATE_RESET,
    TOKEN_EXPIRATION,
    SUNSET,
    RELOAD_SUCCESSFUL,
    RELOAD_SUCCESS_AT,
    STATE_WRITTEN,
    LOG_ERRORS,
    BUILD_INFO,
)
