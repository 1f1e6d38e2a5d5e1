"""The lower rows of the exporter's dashboard: GitHub's API and the process."""

from alerts import thresholds as limit
from dashboards import alert_colors
from dashboards import queries as q
from dashboards.frame import Panels, runbooks
from dashboards.itself_queries import (
    ALL,
    CALLS,
    EXPIRY,
    IN_FORCE,
    LEFT,
    LEFT_AT_RESET,
    RATE_WINDOW,
    SUNSET,
    TARGET,
)
from dashboards.panels import Column, bars, lines, table
from dashboards.parts import (
    BYTES,
    COUNT,
    COUNTED,
    CRITICAL,
    RATE,
    SECONDS,
    SHARE,
    VERDICT,
    WARNING,
    Look,
    Query,
    dashed,
    fixed,
    override,
)


def _counted(metric: str, by: str, *, where: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{', '.join(filter(None, (ALL, where)))}}}{RATE_WINDOW}))"


def _latency(quantile: float, by: str = "le") -> str:
    return f"histogram_quantile({quantile}, {_counted('ghe_exporter_api_request_duration_seconds_bucket', by)}) > 0"


def api() -> Panels:
    """The panels of this row."""
    seconds = f"ghe_exporter_api_request_duration_seconds_bucket{{{ALL}}}"
    slowest = f"histogram_quantile(0.95, sum by (le, path) (rate({seconds}[1h])))"
    asked = f"sum by (path) (increase(ghe_exporter_api_requests_total{{{ALL}}}[1h]))"
    return [
        lines(
            "Requests by status",
            "Requests to GitHub per minute. 304 cost no quota; 4xx are refusals, 5xx GitHub's troubles, none means "
            "that no answer came.",
            [
                Query(
                    q.named(f"60 * {_counted('ghe_exporter_api_requests_total', 'code')}", "code", "no answer"),
                    "{{code}}",
                )
            ],
            look=Look(RATE, 1, 0),
            overrides=[override("/^[45]../", {"color": fixed(CRITICAL)}, regexp=True)],
            stacked=True,
            no_value="no request in this time",
            size=(12, 8),
        ),
        lines(
            "Latency",
            "Time from a request to the end of its answer: half of all requests, 95% and 99%. Rising: GitHub or the "
            "way there is slow; collectors with many pages suffer first.",
            [Query(_latency(0.5), "50%"), Query(_latency(0.95), "95%"), Query(_latency(0.99), "99%")],
            look=Look(SECONDS, 2, 0),
            no_value="no request in this time",
            size=(12, 8),
        ),
        lines(
            "Rate limit left",
            "Share of each credential's rate limit that is left; it is full again every hour. Below the dashed line "
            "only runners and licenses are still asked.",
            [
                Query(LEFT, "{{enterprise}} {{credential}} {{resource}}"),
                Query(f"vector({limit.RATE_LIMIT_LOW})", "alert below"),
            ],
            look=alert_colors.RATE_LIMIT,
            overrides=[override("alert below", dashed(WARNING))],
            links=runbooks("GitHubRateLimitLow"),
            no_value="no limit reported",
            size=(12, 8),
        ),
        lines(
            "Rate limit left at its reset",
            "Share of each rate limit that will be left when it resets, if it is used as since it began, by all who "
            "share it. Below zero: it would be used up before.",
            [Query(LEFT_AT_RESET, "{{enterprise}} {{credential}} {{resource}}")],
            look=Look(SHARE, 0),
            no_value="no limit reported",
            size=(12, 8),
        ),
        lines(
            "Calls an hour",
            "Calls an hour of each collector by its last run and the interval in force; unchanged answers are counted "
            "here, though they cost nothing. Dashed: the smallest rate limit.",
            [
                Query(f"sum by (collector) ({CALLS})", "{{collector}}"),
                Query(f'min(ghe_rate_limit_limit{{{ALL}, resource="core"}} > 0)', "limit"),
            ],
            look=Look(COUNT, 0, 0),
            overrides=[override("limit", dashed(WARNING))],
            links=runbooks("GitHubRateLimitLow"),
            no_value="nothing collected yet",
            size=(12, 8),
        ),
        lines(
            "Interval in force",
            "Interval of each collector in units of the configured one. Above 1: it runs less often so that the rate "
            "limit lasts. The dashed line is where the alert warns.",
            [Query(f"max by (collector) ({IN_FORCE})", "{{collector}}")],
            look=alert_colors.THROTTLED,
            threshold=True,
            links=runbooks("GitHubCollectorThrottled"),
            custom={"axisSoftMax": limit.THROTTLED_INTERVALS + 1},
            no_value="nothing collected yet",
            size=(12, 8),
        ),
        table(
            "Slowest paths",
            "The paths whose slowest twentieth of requests takes longest, and how many requests they got, in the last "
            "hour. Many pages of a slow path: give its collector a longer interval.",
            {"path": "Path"},
            [
                Column("95% within", f"topk(12, {slowest} > 0)", Look(SECONDS, 2, 0), 130),
                Column("Requests", f"{asked} > 0", COUNTED, 110),
            ],
            no_value="no request in the last hour",
            size=(12, 8),
            sort=["-95% within"],
        ),
        table(
            "Endpoints that end",
            "Days until GitHub stops offering a path that is read. Look for a newer release of the exporter; where all "
            "end on one day, it is the version of the API: see the runbook.",
            {"enterprise": "Enterprise", "path": "Path"},
            [Column("Ends in", SUNSET, alert_colors.SUNSET, 110, "color-text")],
            no_value="No end is announced",
            links=runbooks("GitHubEndpointSunset"),
            size=(12, 8),
            sort=["Ends in"],
            widths={"Enterprise": 120},
        ),
        bars(
            "Tokens expire in",
            "Days until each token in use expires. Orange warns, red pages: make a new token and write it to the file.",
            [Query(f"sort({EXPIRY})", "{{enterprise}} {{credential}}")],
            look=alert_colors.TOKEN,
            links=runbooks("GitHubTokenExpiring", "GitHubTokenExpiringSoon"),
            no_value="no token expires",
            size=(12, 7),
        ),
        lines(
            "Retried and unchanged",
            "Requests retried after a transient failure, and answers that had not changed and cost no quota.",
            [
                Query(f"60 * sum(rate(ghe_exporter_api_retries_total{{{ALL}}}{RATE_WINDOW}))", "retried"),
                Query(f"60 * sum(rate(ghe_exporter_api_not_modified_total{{{ALL}}}{RATE_WINDOW}))", "unchanged"),
            ],
            look=Look(RATE, 1, 0),
            no_value="no request in this time",
            size=(12, 7),
        ),
    ]


def process() -> Panels:
    """The panels of this row."""
    built = f"max by (instance, version, revision, python_version) (ghe_exporter_build_info{{{TARGET}}})"
    return [
        table(
            "What is running",
            "Version of each exporter that Prometheus scrapes. Two versions for long: an update is stuck.",
            {"instance": "Instance", "version": "Version", "revision": "Revision", "python_version": "Python"},
            [
                Column("Running", built, kind="hidden"),
                Column(
                    "Configuration",
                    f"{built} * on (instance) group_left () "
                    f"max by (instance) (ghe_exporter_config_last_reload_successful{{{TARGET}}})",
                    VERDICT,
                    130,
                    "color-background",
                ),
            ],
            no_value="no exporter is scraped",
            links=runbooks("GitHubExporterAbsent", "GitHubExporterReloadFailed"),
            size=(12, 7),
        ),
        lines(
            "Memory",
            "Memory in use of each exporter. It does not grow with the number of people; steady growth is a fault.",
            [Query(f"process_resident_memory_bytes{{{TARGET}}}", "{{instance}}")],
            look=Look(BYTES, 1, 0),
            no_value="no exporter is scraped",
            size=(4, 7),
        ),
        lines(
            "CPU",
            "Share of one core that each exporter uses.",
            [Query(f"rate(process_cpu_seconds_total{{{TARGET}}}{RATE_WINDOW})", "{{instance}}")],
            look=Look(SHARE, minimum=0),
            no_value="no exporter is scraped",
            size=(4, 7),
        ),
        lines(
            "Scrape duration",
            "How long Prometheus takes to read each exporter. Above a second: the network, or very many series.",
            [Query(f"scrape_duration_seconds{{{TARGET}}}", "{{instance}}")],
            look=Look(SECONDS, 2, 0),
            no_value="no exporter is scraped",
            size=(4, 7),
        ),
    ]
