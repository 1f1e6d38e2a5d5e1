"""Cost centers, budgets and exports of usage (enhanced platform only)."""

from exporter.simulator.api.http_types import Answer, NotFound, Refusal, Request
from exporter.simulator.api.routes.billing import billing_of


def cost_centers(request: Request) -> Answer:
    """All cost centers, or those in a state."""
    billing = billing_of(request)
    centers = billing.cost_centers.named(request.query.get("state", ""))
    payload = {"costCenters": [center.record(request.at) for center in centers]}
    return Answer([payload] if billing.careless else payload)


def cost_center(request: Request) -> Answer:
    """One cost center and a page of what is charged to it."""
    center = billing_of(request).cost_centers.get(request.names["cost_center"])
    if center is None:
        raise NotFound
    record = center.record(request.at)
    resources = record["resources"]
    record["resources"] = resources[request.page.start : request.page.stop]
    record["has_next_page"] = request.page.stop < len(resources)
    return Answer(record)


def budgets(request: Request) -> Answer:
    """Budgets; there is no Link header, only a flag."""
    records = billing_of(request).budgets.records(request.at, request.query.get("scope", ""))
    payload = {
        "budgets": records[request.page.start : request.page.stop],
        "has_next_page": request.page.stop < len(records),
        "total_count": len(records),
    }
    return Answer(payload)


def user_states(request: Request) -> Answer:
    """People who have used so much of a budget that limits each of them; there is no Link header, only a flag."""
    threshold = request.query.get("threshold_lower_bound", "")
    if threshold and not threshold.isdecimal():
        raise Refusal(400, "Invalid threshold.")
    states = billing_of(request).budgets.user_states(request.names["budget"], request.at, float(threshold or 0))
    if states is None:
        raise NotFound
    places = states.places
    payload = {
        "user_states": states.records(request.page.of_places(places)),
        "has_next_page": request.page.stop < len(places),
        "total_count": len(places),
    }
    return Answer(payload)


def reports(request: Request) -> Answer:
    """Exports of usage, with addresses that are secrets."""
    return Answer({"usage_report_exports": billing_of(request).reports.records(request.at)})
