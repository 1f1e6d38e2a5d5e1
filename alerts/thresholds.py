"""The numbers behind alerts and colors, in one place.

The rules are plain YAML, so that anybody can read and load them; a test compares each of their numbers with those here.
Dashboards import them, so that a panel changes its color where an alert changes its mind.
"""

# Licenses: shares of what was bought.
SEATS_EXHAUSTED = 1.0
SEATS_WARNING = 0.95
SEATS_FORECAST_FLOOR = 0.8
FORECAST_DAYS = 14
FORECAST_WINDOW_DAYS = 7
PREDICTION_DAYS = 30
COPILOT_IDLE_SHARE = 0.1
COPILOT_IDLE_SEATS = 5
COPILOT_SILENT_DAYS = 7
COMMITTERS_EXHAUSTED = 1.0
SYNC_STALE_DAYS = 8
SERVER_LICENSE_DAYS = 30

# Billing: shares of an allowance or a budget, and of the period.
INCLUDED_EXHAUSTED = 1.0
PACE_WARNING = 1.0
PERIOD_SILENT_SHARE = 0.1
BUDGET_WARNING = 0.9
BUDGET_EXHAUSTED = 1.0
CREDITS_ROUNDED = 0.01
SPEND_FACTOR = 3
SPEND_FLOOR_USD = 100
SPEND_SILENT_DAYS = 8

# Runners: shares of a group.
RUNNERS_ALL_OFFLINE = 1.0
RUNNERS_OFFLINE_SHARE = 0.3
RUNNERS_OFFLINE_SMALLEST_GROUP = 3
RUNNERS_SATURATED = 0.95
RUNNERS_ALL_EPHEMERAL = 1.0
RUNNER_SUPPORT_DAYS = 7
LABEL_SATURATED = 1.0
AUDIT_LOG_LATE_SECONDS = 900
RUNNER_SUPPORT_ENDED = 0

# The exporter: interval in force in configured ones, ages in intervals of the collector, days left, share of the rate
# limit left.
THROTTLED_INTERVALS = 3
STALE_INTERVALS = 3
TOKEN_WARNING_DAYS = 14
TOKEN_CRITICAL_DAYS = 3
RATE_LIMIT_LOW = 0.1
SUNSET_DAYS = 60

COMPARISONS: dict[str, tuple[float, ...]] = {
    "GitHubCollectorStale": (STALE_INTERVALS,),
    "GitHubCollectorThrottled": (THROTTLED_INTERVALS,),
    "GitHubTokenExpiring": (TOKEN_WARNING_DAYS, TOKEN_CRITICAL_DAYS),
    "GitHubTokenExpiringSoon": (TOKEN_CRITICAL_DAYS,),
    "GitHubRateLimitLow": (RATE_LIMIT_LOW,),
    "GitHubEndpointSunset": (SUNSET_DAYS,),
    "GitHubSeatsExhausted": (SEATS_EXHAUSTED,),
    "GitHubSeatsNearlyExhausted": (SEATS_WARNING, SEATS_EXHAUSTED),
    "GitHubSeatsForecast": (SEATS_FORECAST_FLOOR, SEATS_WARNING, FORECAST_DAYS),
    "GitHubCopilotSeatsIdle": (COPILOT_IDLE_SHARE, COPILOT_IDLE_SEATS, COPILOT_SILENT_DAYS),
    "GitHubAdvancedSecurityCommittersExhausted": (COMMITTERS_EXHAUSTED,),
    "GitHubLicenseSyncStale": (SYNC_STALE_DAYS,),
    "GitHubServerLicenseExpiring": (SERVER_LICENSE_DAYS,),
    "GitHubActionsIncludedExhausted": (INCLUDED_EXHAUSTED,),
    "GitHubActionsPaceHigh": (PACE_WARNING, INCLUDED_EXHAUSTED),
    "GitHubAiCreditsExhausted": (INCLUDED_EXHAUSTED,),
    "GitHubAiCreditsPaceHigh": (PACE_WARNING, INCLUDED_EXHAUSTED),
    "GitHubStorageAboveIncluded": (INCLUDED_EXHAUSTED, PERIOD_SILENT_SHARE),
    "GitHubPackagesTransferExhausted": (INCLUDED_EXHAUSTED,),
    "GitHubBudgetNearlyExhausted": (BUDGET_WARNING, BUDGET_EXHAUSTED),
    "GitHubBudgetExhausted": (BUDGET_EXHAUSTED,),
    "GitHubBudgetPaceHigh": (PACE_WARNING, BUDGET_WARNING),
    "GitHubSpendUnusual": (SPEND_FACTOR, SPEND_FLOOR_USD, SPEND_SILENT_DAYS),
    "GitHubRunnersAllOffline": (RUNNERS_ALL_OFFLINE, RUNNERS_ALL_EPHEMERAL),
    "GitHubRunnersManyOffline": (
        RUNNERS_OFFLINE_SHARE,
        RUNNERS_ALL_OFFLINE,
        RUNNERS_OFFLINE_SMALLEST_GROUP,
        RUNNERS_ALL_EPHEMERAL,
    ),
    "GitHubRunnersSaturated": (RUNNERS_SATURATED, RUNNERS_ALL_EPHEMERAL),
    "GitHubRunnersLoseSupport": (RUNNER_SUPPORT_DAYS, RUNNER_SUPPORT_ENDED),
    "GitHubRunnersLostSupport": (RUNNER_SUPPORT_ENDED,),
    "enterprise:ghe_ai_credits_used:sum": (CREDITS_ROUNDED,),
    "enterprise:ghe_ai_credits_used:projected_sum": (PERIOD_SILENT_SHARE,),
    "enterprise:ghe_ai_credits_used_per_included:projected_ratio": (PERIOD_SILENT_SHARE,),
    "GitHubRunnerLabelSaturated": (LABEL_SATURATED, RUNNERS_ALL_EPHEMERAL),
    "GitHubRunsWaiting": (AUDIT_LOG_LATE_SECONDS,),
    "enterprise:ghe_actions_included_used_per_included:projected_ratio": (PERIOD_SILENT_SHARE,),
    "enterprise:ghe_billing_net_usd:projected_sum": (PERIOD_SILENT_SHARE,),
    "enterprise_product:ghe_billing_net_usd:projected_sum": (PERIOD_SILENT_SHARE,),
    "enterprise_cost_center:ghe_cost_center_net_usd:projected_sum": (PERIOD_SILENT_SHARE,),
    "enterprise:ghe_license_seats_consumed:predicted_30d": (PREDICTION_DAYS,),
    "enterprise_budget:ghe_budget_consumed_per_amount:projected_ratio": (PERIOD_SILENT_SHARE,),
}
"""What each rule compares with."""
