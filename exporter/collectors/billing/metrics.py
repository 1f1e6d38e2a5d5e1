"""What the collector `billing` exposes, from whichever of GitHub's two billing platforms it reads."""

from exporter.metrics.metric import gauge

PLATFORM = gauge("ghe_billing_platform_info", "Always 1; the billing platform that the figures come from.", "platform")
PERIOD_START = gauge(
    "ghe_billing_period_start_timestamp_seconds", "First second of the month that the figures are about."
)
PERIOD_END = gauge(
    "ghe_billing_period_end_timestamp_seconds", "First second of the month after the one that the figures are about."
)

USAGE = ("product", "sku", "unit")
USAGE_QUANTITY = gauge("ghe_billing_usage_quantity", "Usage this month in the unit it is billed in.", *USAGE)
DISCOUNT_QUANTITY = gauge(
    "ghe_billing_discount_quantity", "Usage this month that is free: from an allowance or otherwise discounted.", *USAGE
)
NET_QUANTITY = gauge("ghe_billing_net_quantity", "Usage this month that is paid for.", *USAGE)

COST = ("product", "sku")
GROSS_USD = gauge("ghe_billing_gross_usd", "Cost this month before discounts.", *COST)
DISCOUNT_USD = gauge("ghe_billing_discount_usd", "Discounts this month, allowances among them.", *COST)
NET_USD = gauge("ghe_billing_net_usd", "Cost this month after discounts.", *COST)

UNIT_PRICE = gauge(
    "ghe_billing_unit_price_usd", "Price of one unit before discounts; the highest where a SKU has several.", *USAGE
)
PREVIOUS_MONTH_NET_USD = gauge(
    "ghe_billing_previous_month_net_usd",
    "Cost after discounts of the month before, whose last figures land up to three days after its end.",
    "product",
)
DAY_NET_USD = gauge("ghe_billing_day_net_usd", "Cost after discounts of yesterday (UTC), as known by now.", "product")
DAY_START = gauge("ghe_billing_day_start_timestamp_seconds", "First second of the day that this cost is of.")

JOBS = ("os", "sku")
ACTIONS_USED = gauge(
    "ghe_actions_used_seconds", "Time that Actions jobs ran this month; the legacy platform gives one sum.", *JOBS
)
ACTIONS_PAID = gauge("ghe_actions_paid_seconds", "Time that Actions jobs ran this month and is paid for.", *JOBS)
ACTIONS_INCLUDED = gauge("ghe_actions_included_seconds", "Time for Actions jobs a month that the plan includes.")

ACTIONS_INCLUDED_USED = gauge(
    "ghe_actions_included_used_seconds",
    "Included time used up, as Linux minutes of the same price; an upper bound, because public repositories count too.",
)

STORAGE_AVERAGE = gauge(
    "ghe_storage_average_bytes",
    "Storage of any kind, averaged over the month so far; on the legacy platform the estimate for the month.",
    "product",
)
STORAGE_PAID = gauge(
    "ghe_storage_paid_average_bytes", "Storage that is paid for, averaged over the month so far.", "product"
)
STORAGE_INCLUDED = gauge("ghe_storage_included_bytes", "Storage for Actions and Packages that the plan includes.")
STORAGE_INCLUDED_USED = gauge(
    "ghe_storage_included_used_bytes",
    "Storage of artifacts and packages, which the included storage covers, averaged over the month so far.",
)

TRANSFER = gauge("ghe_packages_transfer_bytes", "Data transferred out of Packages this month.")
TRANSFER_PAID = gauge(
    "ghe_packages_transfer_paid_bytes", "Data transferred out of Packages this month that is paid for."
)
TRANSFER_INCLUDED = gauge(
    "ghe_packages_transfer_included_bytes", "Data transfer out of Packages a month that the plan includes."
)

METRICS = (
    PLATFORM,
    PERIOD_START,
    PERIOD_END,
    USAGE_QUANTITY,
    DISCOUNT_QUANTITY,
    NET_QUANTITY,
    GROSS_USD,
    DISCOUNT_USD,
    NET_USD,
    UNIT_PRICE,
    PREVIOUS_MONTH_NET_USD,
    DAY_NET_USD,
    DAY_START,
    ACTIONS_USED,
    ACTIONS_PAID,
    ACTIONS_INCLUDED,
    ACTIONS_INCLUDED_USED,
    STORAGE_AVERAGE,
    STORAGE_PAID,
    STORAGE_INCLUDED,
    STORAGE_INCLUDED_USED,
    TRANSFER,
    TRANSFER_PAID,
    TRANSFER_INCLUDED,
)

MINUTE_SECONDS = 60
GIGABYTE = 1e9


def scaled(quantity: float | None, factor: float) -> float | None:
    """*quantity* in base units; None stays None."""
    return None if quantity is None else quantity * factor
