"""How values look that an alert judges: green, orange and red at the alert's own thresholds, and nowhere else."""

from alerts import thresholds as limit
from dashboards.parts import DAYS, IN_INTERVALS, SECONDS, SHARE, Look, judged, judged_falling

SEATS = Look(SHARE, 1, 0, 1, steps=judged(warning=limit.SEATS_WARNING, critical=limit.SEATS_EXHAUSTED))
DAYS_OF_SEATS = Look(DAYS, 0, steps=judged_falling(critical=None, warning=limit.FORECAST_DAYS))
COMMITTERS = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.COMMITTERS_EXHAUSTED))
RUNNER_SUPPORT = Look(
    DAYS, 0, steps=judged_falling(critical=limit.RUNNER_SUPPORT_ENDED, warning=limit.RUNNER_SUPPORT_DAYS)
)
SYNC_AGE = Look(DAYS, 1, 0, steps=judged(warning=limit.SYNC_STALE_DAYS))
SERVER_LICENSE = Look(DAYS, 0, steps=judged_falling(critical=None, warning=limit.SERVER_LICENSE_DAYS))
IDLE_SEATS = Look(SHARE, 0, 0, steps=judged(warning=limit.COPILOT_IDLE_SHARE))

INCLUDED = Look(SHARE, 1, 0, 1, steps=judged(warning=limit.INCLUDED_EXHAUSTED))
PACE = Look(SHARE, 0, 0, steps=judged(warning=limit.PACE_WARNING))
BUDGET = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.BUDGET_WARNING, critical=limit.BUDGET_EXHAUSTED))

OFFLINE = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.RUNNERS_OFFLINE_SHARE, critical=limit.RUNNERS_ALL_OFFLINE))
SATURATED = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.RUNNERS_SATURATED))
LABEL_SATURATED = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.LABEL_SATURATED))
AUDIT_LAG = Look(SECONDS, 0, 0, steps=judged(warning=limit.AUDIT_LOG_LATE_SECONDS))

STALE = Look(IN_INTERVALS, 1, 0, steps=judged(warning=limit.STALE_INTERVALS))
THROTTLED = Look(IN_INTERVALS, 1, 0, steps=judged(warning=limit.THROTTLED_INTERVALS))
TOKEN = Look(DAYS, 0, steps=judged_falling(critical=limit.TOKEN_CRITICAL_DAYS, warning=limit.TOKEN_WARNING_DAYS))
SUNSET = Look(DAYS, 0, steps=judged_falling(critical=None, warning=limit.SUNSET_DAYS))
RATE_LIMIT = Look(SHARE, 0, 0, 1, steps=judged_falling(critical=None, warning=limit.RATE_LIMIT_LOW))
