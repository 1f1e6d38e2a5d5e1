"""What the rows of the exporter's dashboard ask in common."""

TARGET = 'job=~"$job", instance=~"$instance"'
# What reads no enterprise has an empty label, which All leaves out elsewhere.
ALL = f'{TARGET}, enterprise=~"$enterprise|"'
RUN = ("enterprise", "collector")
RATE_WINDOW = "[$__rate_interval]"
NOTHING = "nothing collected yet"


def run(metric: str, *more: str) -> str:
    """A gauge about the runs of a collector."""
    return f"max by ({', '.join((*RUN, *more))}) (ghe_exporter_collector_{metric}{{{ALL}}})"


def organizations(state: str) -> str:
    """How many organizations of each enterprise are in this *state*."""
    return f'max by (enterprise) (ghe_exporter_organizations{{{ALL}, state="{state}"}})'


AVAILABLE = f"({run('available')} == 1)"
AGE = f"time() - ({run('last_success_timestamp_seconds')} > 0)"
INTERVALS = f"({AGE}) / {run('interval_seconds')} and {AVAILABLE}"
LEFT = (
    f"min by (enterprise, credential, resource) (ghe_rate_limit_remaining{{{ALL}}}) "
    f"/ (max by (enterprise, credential, resource) (ghe_rate_limit_limit{{{ALL}}}) > 0)"
)
# What is used since the window began, carried on until it ends; GitHub's windows last an hour. The first runs after a
# reset come together, so the pace of the first ten minutes says little.
ELAPSED = (
    f"clamp_min(3600 - (max by (enterprise, credential, resource) (ghe_rate_limit_reset_timestamp_seconds{{{ALL}}}) "
    "- time()), 600)"
)
LEFT_AT_RESET = f"1 - (1 - ({LEFT})) * 3600 / ({ELAPSED})"
IN_FORCE = f"{run('interval_seconds')} / {run('configured_interval_seconds')} and {AVAILABLE}"
CALLS = f"3600 * {run('requests')} / {run('interval_seconds')} and {AVAILABLE}"
SUNSET = f"(min by (enterprise, path) (ghe_exporter_api_sunset_timestamp_seconds{{{ALL}}}) - time()) / 86400"
EXPIRY = f"(min by (enterprise, credential) (ghe_token_expiration_timestamp_seconds{{{ALL}}}) - time()) / 86400"
