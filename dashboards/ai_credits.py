"""The row of the billing dashboard about AI credits: used, included, and by which models."""

from dashboards import alert_colors
from dashboards import queries as q
from dashboards.billing_queries import NO_COST, TOO_EARLY
from dashboards.frame import Panels, runbooks
from dashboards.panels import Column, bars, lines, stat, table
from dashboards.parts import COUNTED, COUNTED_FROM_ZERO, DOLLARS, INCLUDED_DASHED, PACE_DOTTED, Query

KIND = ("product", "sku", "model")
USED = q.total("ghe_ai_credits_used", of=KIND)
INCLUDED = q.one("ghe_ai_credits_included")
SHARE = q.ratio(USED, INCLUDED)
NO_CREDITS = "no AI credits used, or no data"


def _column(name: str, part: str) -> Column:
    by_model = q.total(f"ghe_ai_credits_{part}", "model", "sku", of=("product",))
    return Column(name, by_model, DOLLARS if part.endswith("usd") else COUNTED, 115)


def ai_credits() -> Panels:
    """The panels of this row."""
    net = q.total("ghe_ai_credits_net_usd", "model", of=("product", "sku"))
    return [
        [
            stat(
                "Included AI credits used",
                "Share of the AI credits that the seats include together. From 100% on each is billed, or refused. "
                "GitHub does not report how many are included: set included.ai_credits in the configuration.",
                SHARE,
                look=alert_colors.INCLUDED,
                legend="{{enterprise}}",
                filled=True,
                size=(6, 5),
                no_value="included credits not configured",
                links=runbooks("GitHubAiCreditsExhausted"),
            ),
            stat(
                "AI credits at the month's end",
                "Share of the included AI credits that will be used at the month's end at the pace so far; shown after "
                "the first tenth of the month. Above 100% an alert warns: look for the models that cost most.",
                f"{SHARE} / {q.JUDGED_SHARE}",
                look=alert_colors.PACE,
                legend="{{enterprise}}",
                filled=True,
                size=(6, 5),
                no_value=TOO_EARLY,
                links=runbooks("GitHubAiCreditsPaceHigh"),
            ),
        ],
        lines(
            "AI credits used, even pace and included",
            "AI credits used this month. Dotted is the even pace, dashed what the seats include. Above the pace: the "
            "included credits will not last. All begin at zero on the first (UTC).",
            [
                Query(USED, "{{enterprise}}"),
                Query(f"{INCLUDED} * {q.ELAPSED}", "{{enterprise}} even pace"),
                Query(INCLUDED, "{{enterprise}} included"),
            ],
            look=COUNTED_FROM_ZERO,
            overrides=[*INCLUDED_DASHED, PACE_DOTTED],
            custom={"axisLabel": "credits"},
            no_value=NO_CREDITS,
            size=(18, 10),
        ),
        table(
            "AI credits by model",
            "What each model used this month. Free is what the seats include, or what is discounted; list price is the "
            "cost before discounts.",
            {"enterprise": "Enterprise", "model": "Model", "sku": "SKU"},
            [
                _column("Used", "used"),
                _column("Free", "discounted"),
                _column("Paid", "paid"),
                _column("List price", "gross_usd"),
                _column("Cost", "net_usd"),
            ],
            no_value=NO_CREDITS,
            size=(16, 9),
            sort=["-Used"],
            widths={"Enterprise": 120},
        ),
        bars(
            "Cost of AI credits by model",
            "What AI credits beyond the included ones cost this month after discounts. An expensive model that few "
            "need: restrict it in the enterprise's Copilot policies.",
            [Query(f"sort_desc(topk(12, {net} > 0))", "{{model}} ({{enterprise}})")],
            look=DOLLARS,
            no_value=NO_COST,
            size=(8, 9),
        ),
    ]
