"""Active committers of Advanced Security."""

from exporter.simulator.api.http_types import Answer, Refusal, Request
from exporter.simulator.company.advanced_security import BUNDLED

PARAMETER = "advanced_security_product"


def committers(request: Request) -> Answer:
    """Totals and a page of repositories; whether the product must be named depends on what was bought."""
    security = request.enterprise().advanced_security
    product = request.query.get(PARAMETER, "")
    if product not in security.products:
        bundled = BUNDLED in security.products
        if bundled:
            raise Refusal(400, f"{PARAMETER} is not supported: the products are not bought separately.")
        raise Refusal(422, f"{PARAMETER} must be one of {', '.join(security.products)}.")
    totals = security.committers(product, request.at)
    places = range(totals.repositories)
    payload: dict[str, object] = {
        "total_advanced_security_committers": totals.active,
        "total_count": totals.repositories,
        "maximum_advanced_security_committers": totals.maximum,
    }
    if totals.purchased:
        payload["purchased_advanced_security_committers"] = totals.purchased
    payload["repositories"] = security.repositories(product, request.at, request.page.of_places(places))
    return Answer(payload, total=len(places))
