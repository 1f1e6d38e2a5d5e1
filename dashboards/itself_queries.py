"""What the rows of the exporter's dashboard ask in common."""

from alerts import thresholds as limit
from dashboards import queries as q
from dashboards.parts import (
    DAYS,
    NONE,
    SHARE,
    Look,
    judged,
    judged_falling,
)

TARGET = 'job=~"$job", instance=~"$instance"'
ALL = f"{TARGET}, {q.HERE}"
RUN = ("enterprise", "collector")
RATE_WINDOW = "[$__rate_interval]"
NOTHING = "nothing collected yet"


def run(metric: str, *more: str) -> str:
    """A gauge about the runs of a collector."""
    return f"max by ({', '.join((*RUN, *more))}) (ghe_exporter_collector_{metric}{{{ALL}}})"


AVAILABLE = f"({run('available')} == 1)"
AGE = f"time() - ({run('last_success_timestamp_seconds')} > 0)"
INTERVALS = f"({AGE}) / {run('interval_seconds')} and {AVAILABLE}"
LEFT = (
    f"min by (enterprise, credential, resource) (ghe_rate_limit_remaining{{{ALL}}}) "
    f"/ (max by (enterprise, credential, resource) (ghe_rate_limit_limit{{{ALL}}}) > 0)"
)
EXPIRY = f"(min by (enterprise, credential) (ghe_token_expiration_timestamp_seconds{{{ALL}}}) - time()) / 86400"
STALE = Look(NONE, 1, 0, steps=judged(warning=limit.STALE_INTERVALS))
TOKEN = Look(DAYS, 0, steps=judged_falling(critical=limit.TOKEN_CRITICAL_DAYS, warning=limit.TOKEN_WARNING_DAYS))
BUDGET = Look(SHARE, 0, 0, 1, steps=judged_falling(critical=None, warning=limit.RATE_LIMIT_LOW))
