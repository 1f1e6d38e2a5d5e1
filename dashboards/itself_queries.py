"""What the rows of the exporter's dashboard ask in common."""

from dashboards import queries as q

TARGET = 'job=~"$job", instance=~"$instance"'
ALL = f"{TARGET}, {q.HERE}"
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
SUNSET = f"(min by (enterprise, path) (ghe_exporter_api_sunset_timestamp_seconds{{{ALL}}}) - time()) / 86400"
EXPIRY = f"(min by (enterprise, credential) (ghe_token_expiration_timestamp_seconds{{{ALL}}}) - time()) / 86400"
