"""PromQL that more than one dashboard asks.

Two replicas of the exporter tell the same twice, so `max` over their series comes before any arithmetic.
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

ACTIONS = total("ghe_actions_used_seconds", of=("os", "sku"))
INCLUDED = one("ghe_actions_included_seconds")
MINUTES_USED = ratio(ACTIONS, INCLUDED)
# Nothing can be said of the pace in the first tenth of the month.
MINUTES_PROJECTED = f"{MINUTES_USED} / ({ELAPSED} > {limit.PERIOD_SILENT_SHARE})"

SPEND = total("ghe_billing_net_usd", of=("product", "sku"))
SPEND_PROJECTED = f"{SPEND} / ({ELAPSED} > {limit.PERIOD_SILENT_SHARE})"

# Neither Git LFS nor Codespaces count against the allowance.
STORED = total("ghe_storage_average_bytes", of=("product",), where='product=~"actions|packages|shared"')
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


def worst_group(where: str = "") -> str:
    """The largest offline share of a group; as for the alert, some of very few count as none."""
    large = f"({runners('', *GROUP, where=where)} >= bool {limit.RUNNERS_OFFLINE_SMALLEST_GROUP})"
    return f"max({lost(where)} >= 1 or {lost(where)} * {large})"


AGE = "ghe_exporter_collector_last_success_timestamp_seconds"
AVAILABLE = one("ghe_exporter_collector_available", "collector")
INTERVALS_OLD = (
    f"(time() - ({one(AGE, 'collector')} > 0)) / {one('ghe_exporter_collector_interval_seconds', 'collector')}"
    f" and ({AVAILABLE} == 1)"
)
