"""What the rows of the billing dashboard have in common."""

SKU = ("product", "sku")
NO_BILLING = "no billing data"
NO_COST = "no cost reported"
TOO_EARLY = "too early in the month, or no data"
LEFT_OUT = (
    "It is not the whole invoice: GitHub reports no cost of legacy billing, and seats paid in advance appear at no "
    "cost or at list price."
)
