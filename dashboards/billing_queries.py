"""What the rows of the billing dashboard ask in common."""

from alerts import thresholds as limit
from dashboards import queries as q
from dashboards.parts import SHARE, Look, judged

SKU = ("product", "sku")
BUDGET = ("budget_id", "scope", "entity", "product")
AMOUNT, CONSUMED = q.one("ghe_budget_amount_usd", *BUDGET), q.one("ghe_budget_consumed_usd", *BUDGET)
BUDGET_USED = q.ratio(CONSUMED, AMOUNT)
BUDGET_LOOK = Look(SHARE, 0, 0, 1, steps=judged(warning=limit.BUDGET_WARNING, critical=limit.BUDGET_EXHAUSTED))
NO_BILLING = "no billing data"
NO_COST = "no cost told"
