"""The lower rows of the billing dashboard: products, who spends, storage."""

from dashboards import queries as q
from dashboards.billing_queries import LEFT_OUT, NO_BILLING, NO_COST, SKU, TOO_EARLY
from dashboards.frame import Panels, runbooks
from dashboards.panels import Column, bars, lines, table
from dashboards.parts import (
    BYTES,
    DOLLARS,
    INCLUDED_DASHED,
    MONEY,
    Look,
    Query,
)

CHOSEN = 'organization=~"$organization"'
PROJECTED = f"{q.total('ghe_billing_net_usd', 'product', of=('sku',))} / on (enterprise) group_left () {q.JUDGED_SHARE}"
PRICE = Look(MONEY, 4)
OPT_IN = "collector billing_usage is off by default"


def spend() -> Panels:
    """The panels of this row."""
    by_product = q.total("ghe_billing_net_usd", "product", of=("sku",))
    priced = f"{q.one('ghe_billing_gross_usd', *SKU)} > 0"
    grown = (
        "sum by (product) (max by (enterprise, product, sku) "
        f"(clamp_min(delta(ghe_billing_net_usd{{{q.HERE}}}[1d]), 0)))"
    )
    return [
        lines(
            "Spend by product, month to date",
            "Cost after discounts, stacked by product; it begins at zero with every month. The band that widens is "
            f"the product to look at. {LEFT_OUT}",
            [Query(f"sum by (product) ({by_product})", "{{product}}")],
            look=Look(MONEY, minimum=0),
            stacked=True,
            no_value=NO_COST,
        ),
        lines(
            "Spend of the last 24 hours",
            "How much each product cost in the 24 hours before each moment. It shows steps that the sum hides. It "
            "needs a day of history; the first day of a month shows nothing.",
            [Query(grown, "{{product}}")],
            look=Look(MONEY, minimum=0),
            stacked=True,
            no_value="no history yet",
            links=runbooks("GitHubSpendUnusual"),
        ),
        table(
            "Most expensive SKUs",
            "What the month's cost consists of: before discounts, taken off, and paid; and the list price of a unit, "
            "the highest where there are several. Sort by a column to find the largest.",
            {"enterprise": "Enterprise", "product": "Product", "sku": "SKU"},
            [
                Column("Gross", f"topk(30, {priced})", DOLLARS, 120),
                Column("Discount", f"{q.one('ghe_billing_discount_usd', *SKU)} > 0", DOLLARS, 120),
                Column("Paid", f"{q.one('ghe_billing_net_usd', *SKU)} > 0", DOLLARS, 120),
                Column("Unit price", f"{q.one('ghe_billing_unit_price_usd', *SKU)} and topk(30, {priced})", PRICE, 100),
            ],
            no_value=NO_COST,
            size=(15, 9),
            sort=["-Paid"],
            widths={"Enterprise": 120, "Product": 100},
        ),
        bars(
            "Forecast by product",
            "What each product will have cost at the month's end at the even pace of the month so far; shown after the "
            "first tenth of the month.",
            [Query(f"sort_desc(sum by (product) ({PROJECTED}) > 0)", "{{product}}")],
            look=DOLLARS,
            no_value=TOO_EARLY,
            size=(9, 9),
        ),
    ]


def who() -> Panels:
    """The panels of this row."""
    center = "cost_center_id"
    spent = q.one("ghe_cost_center_net_usd", center, "product")
    info = q.one("ghe_cost_center_info", center, "cost_center")
    # A center without cost is shown as such; one whose spend is not read is not.
    free = f"0 * {info} and on (enterprise) {spent} unless on (enterprise, {center}) {spent}"
    named = f"sum by (enterprise, {center}) ({spent}) * on (enterprise, {center}) group_left (cost_center) {info}"
    outside = q.named(f"clamp_min({q.SPEND} - sum by (enterprise) ({spent}), 0)", "cost_center", "(in none)")
    by_organization = q.one("ghe_billing_organization_net_usd", "organization", "product", where=CHOSEN)
    by_repository = q.one("ghe_billing_repository_net_usd", "organization", "repository", "product", where=CHOSEN)
    return [
        [
            bars(
                "Most expensive organizations",
                "Cost this month after discounts. Ask the largest first what it is for. Filtered by organization.",
                [
                    Query(
                        f"sort_desc(topk(12, sum by (enterprise, organization) ({by_organization}) > 0))",
                        "{{organization}} ({{enterprise}})",
                    )
                ],
                look=DOLLARS,
                no_value=OPT_IN,
                size=(12, 9),
            ),
            bars(
                "Cost centers",
                "Cost this month by cost center; (in none) is what no cost center covers: assign it in the "
                "enterprise's billing settings. The same money is shown by organization as well, so do not add the "
                "two.",
                [Query(f"sort_desc({named} or {free} or {outside})", "{{cost_center}} ({{enterprise}})")],
                look=DOLLARS,
                no_value="none, or setting spend of cost_centers is off",
                size=(12, 6),
            ),
        ],
        bars(
            "Most expensive repositories",
            "Cost this month after discounts; (other) is the sum of all that are not among the most expensive. "
            "Filtered by organization.",
            [
                Query(
                    f"sort_desc(topk(21, sum by (organization, repository) ({by_repository}) > 0))",
                    "{{organization}}/{{repository}}",
                )
            ],
            look=DOLLARS,
            no_value=OPT_IN,
            size=(12, 15),
        ),
    ]


def storage() -> Panels:
    """The panels of this row."""
    return [
        lines(
            "Storage against included",
            "Artifacts and packages together, averaged over the month so far, which is how they are billed. Caches and "
            "custom images have a price of their own. Above the dashed line storage is paid: keep artifacts shorter.",
            [
                Query(q.STORED, "{{enterprise}}"),
                Query(q.STORAGE_INCLUDED, "{{enterprise}} included"),
            ],
            look=Look(BYTES, 1, 0),
            overrides=INCLUDED_DASHED,
            links=runbooks("GitHubStorageAboveIncluded"),
            no_value=NO_BILLING,
            size=(6, 8),
        ),
        bars(
            "Storage by product",
            "Average of the month so far, caches and custom images included; Git LFS and Codespaces do not count "
            "against the allowance. Begin with the longest bar: expired artifacts, old package versions.",
            [
                Query(
                    f"sort_desc(topk(12, {q.one('ghe_storage_average_bytes', 'product')}))",
                    "{{product}} ({{enterprise}})",
                )
            ],
            look=Look(BYTES, 1),
            no_value=NO_BILLING,
            size=(6, 8),
        ),
        lines(
            "Data transfer out of Packages",
            "Bytes this month. Above the dashed line transfer is paid: cache packages near the machines that "
            "pull them.",
            [
                Query(q.TRANSFER, "{{enterprise}}"),
                Query(q.TRANSFER_INCLUDED, "{{enterprise}} included"),
            ],
            links=runbooks("GitHubPackagesTransferExhausted"),
            look=Look(BYTES, 1, 0),
            overrides=INCLUDED_DASHED,
            no_value=NO_BILLING,
            size=(6, 8),
        ),
        lines(
            "Caches of Actions",
            "Size of all caches. GitHub removes the oldest beyond the limit of each repository, after which builds "
            "are slower.",
            [Query(q.one("ghe_actions_cache_bytes"), "{{enterprise}}")],
            look=Look(BYTES, 1, 0),
            no_value="no data of collector actions_cache",
            size=(6, 8),
        ),
    ]
