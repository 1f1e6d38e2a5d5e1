"""The numbers behind alerts and colors. Rules repeat them, and tests compare; dashboards import them."""

# Licenses: shares of what was bought.
SEATS_EXHAUSTED = 1.0
SEATS_WARNING = 0.95
SEATS_FORECAST_FLOOR = 0.8
FORECAST_DAYS = 14
FORECAST_WINDOW_DAYS = 7
COMMITTERS_EXHAUSTED = 1.0
SYNC_STALE_DAYS = 8
SERVER_LICENSE_DAYS = 30

# Billing: shares of an allowance or a budget, and of the period.
INCLUDED_EXHAUSTED = 1.0
PACE_WARNING = 1.0
PERIOD_SILENT_SHARE = 0.1
BUDGET_WARNING = 0.9
BUDGET_EXHAUSTED = 1.0
SPEND_FACTOR = 3
SPEND_FLOOR_USD = 100
SPEND_SILENT_DAYS = 8

# Runners: shares of a group.
RUNNERS_ALL_OFFLINE = 1.0
RUNNERS_OFFLINE_SHARE = 0.3
RUNNERS_OFFLINE_SMALLEST_GROUP = 3
RUNNERS_SATURATED = 0.95

# The exporter: ages in intervals of the collector, days left, share of the rate limit left.
STALE_INTERVALS = 3
TOKEN_WARNING_DAYS = 14
TOKEN_CRITICAL_DAYS = 3
RATE_LIMIT_LOW = 0.1
