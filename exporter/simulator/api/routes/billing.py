"""Usage that is billed: the enhanced platform, and the old one where an enterprise is still on it."""

from collections.abc import Callable
from typing import Any

from exporter.simulator.api.http_types import Answer, NotFound, Refusal, Request
from exporter.simulator.company.billing import Billing
from exporter.simulator.company.cost_centers import CostCenter
from exporter.simulator.company.credits import MODELS
from exporter.simulator.company.ledger import Account, Entry, Usage
from exporter.simulator.company.legacy_billing import LegacyBilling
from exporter.simulator.company.periods import Period
from exporter.simulator.company.skus import Sku

MOVED = "This endpoint has been moved."
MOVED_TO = "https://gh.io/billing-api-updates-org"
NO_COST_CENTER = "none"
MAX_ROWS = 200_000
"""GitHub gives up on what takes more than ten seconds."""


def summary(request: Request) -> Answer:
    """One row for each SKU in a period, by default this month; all cost centers unless one is named."""
    billing = billing_of(request)
    period = _period(request, whole_year=False)
    center = _cost_center(request, billing)
    totals = billing.ledger.totals(period, request.at, _filter(request, center))
    wanted = [
        (sku, usage)
        for sku, usage in totals
        if _is(request, "product", sku.product.summary, sku.product.rows) and _is(request, "sku", sku.id, sku.name)
    ]
    payload: dict[str, Any] = {"timePeriod": period.parts(), "enterprise": request.names["enterprise"]}
    payload |= {
        name: request.query[name] for name in ("organization", "repository", "product", "sku") if _asks(request, name)
    }
    if center:
        payload["costCenter"] = {"id": center.id, "name": center.name}
    payload["usageItems"] = [_summary_item(sku, usage, careless=billing.careless) for sku, usage in wanted]
    return Answer(payload)


def usage(request: Request) -> Answer:
    """A row for each day, SKU, organization and repository, by default this year without any cost center."""
    billing = billing_of(request)
    period = _period(request, whole_year=True)
    center = _cost_center(request, billing)
    rows: list[dict[str, Any]] = []
    for entry in billing.ledger.entries(period, request.at, center.id if center else ""):
        if len(rows) >= MAX_ROWS:
            raise Refusal(503, "This report took too long to make.")
        rows.append(_row(entry, careless=billing.careless))
    # The billing platform sometimes leaves a list out that would be empty.
    return Answer({} if billing.careless and not rows else {"usageItems": rows})


def ai_credits(request: Request) -> Answer:
    """One row for each SKU and model in a period, by default this month."""
    billing = billing_of(request)
    period = _period(request, whole_year=False)
    totals = billing.ledger.totals(period, request.at, _filter(request, _cost_center(request, billing)))
    items = [
        _credit_item(sku, model, Usage(usage.gross * share, usage.discount * share), careless=billing.careless)
        for sku, usage in totals
        for model, share in MODELS.get(sku.id, {}).items()
        if _is(request, "product", sku.product.summary, sku.product.rows) and _is(request, "model", model)
    ]
    return Answer({"timePeriod": period.parts(), "enterprise": request.names["enterprise"], "usageItems": items})


def legacy(part: Callable[[LegacyBilling, float], dict[str, Any]]) -> Callable[[Request], Answer]:
    """Return the answer of an endpoint of the old platform, which has moved for everybody else."""

    def answer(request: Request) -> Answer:
        billing = request.enterprise().legacy_billing
        if billing is None:
            raise Refusal(410, MOVED, documentation_url=MOVED_TO)
        return Answer(part(billing, request.at))

    return answer


def billing_of(request: Request) -> Billing:
    """Return the enhanced billing of the enterprise in the path."""
    billing = request.enterprise().billing
    if billing is None:
        raise NotFound
    return billing


def _period(request: Request, *, whole_year: bool) -> Period:
    try:
        return Period.of(request.query, request.at, whole_year=whole_year)
    except ValueError:
        raise Refusal(400, "Invalid year, month or day.") from None


def _cost_center(request: Request, billing: Billing) -> CostCenter | None:
    name = request.query.get("cost_center_id", "")
    if name in {"", NO_COST_CENTER}:
        return None
    center = billing.cost_centers.get(name)
    if center is None:
        raise Refusal(400, "Invalid cost center.")
    return center


def _filter(request: Request, center: CostCenter | None) -> Callable[[Account], bool]:
    without = request.query.get("cost_center_id") == NO_COST_CENTER

    def wanted(account: Account) -> bool:
        return (
            not (without and account.cost_center)
            and (center is None or account.cost_center == center.id)
            and _is(request, "organization", account.organization)
            and _is(request, "repository", account.repository.full_name if account.repository else "")
        )

    return wanted


def _asks(request: Request, name: str) -> bool:
    return bool(request.query.get(name))


def _is(request: Request, name: str, *values: str) -> bool:
    asked = request.query.get(name)
    return not asked or asked.lower() in {value.lower() for value in values}


def _summary_item(sku: Sku, usage: Usage, *, careless: bool) -> dict[str, Any]:
    net = usage.gross - usage.discount
    item: dict[str, Any] = {
        "product": sku.product.summary,
        "sku": sku.id,
        "unitType": sku.unit.summary,
        "pricePerUnit": sku.price,
        "grossQuantity": usage.gross,
        "grossAmount": usage.gross * sku.price,
        "discountQuantity": usage.discount,
        "discountAmount": usage.discount * sku.price,
        "netQuantity": net,
        "netAmount": net * sku.price,
    }
    return (
        item | {name: str(item[name]) for name in ("pricePerUnit", "grossQuantity", "netAmount")} if careless else item
    )


def _credit_item(sku: Sku, model: str, usage: Usage, *, careless: bool) -> dict[str, Any]:
    unit = sku.unit.summary if careless else "credits"
    return _summary_item(sku, usage, careless=careless) | {"sku": sku.name, "model": model, "unitType": unit}


def _row(entry: Entry, *, careless: bool) -> dict[str, Any]:
    sku, usage, repository = entry.account.sku, entry.usage, entry.account.repository
    name = (repository.name if careless else repository.full_name) if repository else ""
    gross, discount = usage.gross * sku.price, usage.discount * sku.price
    return {
        "date": f"{entry.day}T00:00:00Z" if careless else f"{entry.day}",
        "product": sku.product.rows,
        "sku": sku.name,
        "quantity": str(usage.gross) if careless else usage.gross,
        "unitType": sku.unit.rows,
        "pricePerUnit": sku.price,
        "grossAmount": gross,
        "discountAmount": discount,
        "netAmount": str(gross - discount) if careless else gross - discount,
        "organizationName": entry.account.organization,
        "repositoryName": name,
    }
