"""PromQL that more than one dashboard asks.

Two replicas of the exporter expose everything twice, so `max` over their series comes before any arithmetic.
"""

from alerts import thresholds as limit

HERE = 'enterprise=~"$enterprise"'


def one(metric: str, *labels: str, where: str = "", at: str = "") -> str:
    """The series of *metric* by enterprise and *labels*, as if there were one exporter; *at* is an offset."""
    matchers = f"{HERE}, {where}" if where else HERE
    series = f"{metric}{{{matchers}}} {at}".rstrip()
    return f"max by ({', '.join(('enterprise', *labels))}) ({series})"


def total(metric: str, *labels: str, of: tuple[str, ...], where: str = "") -> str:
    """Sums of *metric* by enterprise and *labels*; *of* are its other labels."""
    return f"sum by ({', '.join(('enterprise', *labels))}) ({one(metric, *labels, *of, where=where)})"


def named(expr: str, label: str, name: str, value: str = "") -> str:
    """*expr* with *name* in the place of *value* of *label*; a series with an empty one says nothing."""
    return f'label_replace({expr}, "{label}", "{name}", "{label}", "{value}")'


def ratio(part: str, whole: str) -> str:
    """A share; nothing where the whole is absent or zero."""
    return f"{part} / ({whole} > 0)"


START, END = (one(f"ghe_billing_period_{edge}_timestamp_seconds") for edge in ("start", "end"))
ELAPSED = f"clamp_max((time() - {START}) / ({END} - {START}), 1)"

SEATS, PURCHASED = one("ghe_license_seats_consumed"), one("ghe_license_seats_purchased")
SEATS_USED = ratio(SEATS, PURCHASED)
SEATS_LEFT = f"{PURCHASED} - {SEATS}"

# Nothing can be said of the pace in the first tenth of the month.
JUDGED_SHARE = f"({ELAPSED} > {limit.PERIOD_SILENT_SHARE})"

MINUTES, INCLUDED = one("ghe_actions_included_used_seconds"), one("ghe_actions_included_seconds")
MINUTES_USED = ratio(MINUTES, INCLUDED)
MINUTES_PROJECTED = f"{MINUTES_USED} / {JUDGED_SHARE}"

SPEND = total("ghe_billing_net_usd", of=("product", "sku"))
SPEND_A_DAY = f"{SPEND} / clamp_min((time() - {START}) / 86400, 1)"
SPEND_PROJECTED = f"{SPEND} / {JUDGED_SHARE}"

BUDGET = ("budget_id", "scope", "entity", "product")
# The amount of a multi_user scope is one person's limit, with which nothing is compared.
WITHIN = 'scope!~"multi_user_.*"'


def budget_used(unit: str) -> str:
    """The share used of each budget in *unit*."""
    return ratio(*(one(f"ghe_budget_{part}_{unit}", *BUDGET, where=WITHIN) for part in ("consumed", "amount")))


BUDGET_USED = f"({budget_used('licenses')} or {budget_used('usd')})"
BUDGET_PROJECTED = f"{BUDGET_USED} / on (enterprise) group_left () {JUDGED_SHARE}"

STORED = one("ghe_storage_included_used_bytes")
STORAGE_INCLUDED = one("ghe_storage_included_bytes")
TRANSFER, TRANSFER_INCLUDED = one("ghe_packages_transfer_bytes"), one("ghe_packages_transfer_included_bytes")


def runners(state: str, *labels: str, where: str = "") -> str:
    """Self-hosted runners in *state*, a regular expression, by enterprise and *labels*."""
    others = tuple(label for label in ("organization", "runner_group", "os", "state") if label not in labels)
    chosen = ", ".join(filter(None, (f'state=~"{state}"' if state else "", where)))
    return total("ghe_runners", *labels, of=others, where=chosen)


ONLINE = "busy|idle"
GROUP = ("organization", "runner_group")


def lost(where: str = "") -> str:
    """The offline share of each group."""
    return ratio(runners("offline", *GROUP, where=where), runners("", *GROUP, where=where))


def lasting(expr: str, where: str = "") -> str:
    """*expr* by group, without groups of ephemeral runners alone, which the alerts leave out."""
    ephemeral = one("ghe_runner_group_ephemeral_runners", *GROUP, where=where)
    return f"({expr} unless {ephemeral} >= {runners('', *GROUP, where=where)})"


def worst_group(where: str = "") -> str:
    """The largest offline share of a group; as for the alert, some of very few count as none."""
    large = f"({runners('', *GROUP, where=where)} >= bool {limit.RUNNERS_OFFLINE_SMALLEST_GROUP})"
    return f"max({lasting(f'({lost(where)} >= {limit.RUNNERS_ALL_OFFLINE:g} or {lost(where)} * {large})', where)})"


AGE = "ghe_exporter_collector_last_success_timestamp_seconds"
AVAILABLE = one("ghe_exporter_collector_available", "collector")
INTERVALS_OLD = (
    f"(time() - ({one(AGE, 'collector')} > 0)) / {one('ghe_exporter_collector_interval_seconds', 'collector')}"
    f" and ({AVAILABLE} == 1)"
)
