"""The list of cost centers, which several collectors read."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

from exporter.collectors.common.labels import UNKNOWN
from exporter.collectors.common.summary import BILLING_PERMISSION, BILLING_SCOPE, Name
from exporter.errors import PayloadError
from exporter.github.endpoint import Endpoint
from exporter.github.models import Flag, Identity, Number, Record, Text, record
from exporter.github.reader import GitHub

# The answer names people: it is counted and forgotten, not kept for its ETag.
COST_CENTER_LIST = Endpoint(
    "/enterprises/{enterprise}/settings/billing/cost-centers", BILLING_SCOPE, BILLING_PERMISSION, revalidate=False
)
LIST = "costCenters"

INACTIVE_STATES = frozenset({"deleted", "archived"})


class Resource(Record):
    """Who or what is assigned to a cost center; the name serves to find duplicates."""

    type: Name = UNKNOWN
    name: Text = ""


class Pool(Record):
    """What a cost center may use of the AI credits that all share, and what it has used."""

    target_amount: Number = None
    current_amount: Number = None


class CostCenter(Record):
    """A cost center."""

    id: Identity
    name: Text = ""
    state: Name = UNKNOWN
    resources: Annotated[tuple[Any, ...], BeforeValidator(lambda value: value if isinstance(value, list) else ())] = ()
    ai_credit_pool_enabled: Flag = None
    ai_credit_pool_state: Annotated[Pool, BeforeValidator(record)] = Pool()

    @property
    def is_active(self) -> bool:
        """Whether usage can still be charged to it."""
        return INACTIVE_STATES.isdisjoint(self.state.split("_"))


def cost_centers(github: GitHub) -> tuple[CostCenter, ...]:
    """Every cost center, also the deleted ones, each once, by id.

    There is a filter for the state, but with it the answer has taken over a minute.
    """
    pages = github.pages(COST_CENTER_LIST, LIST, envelope=envelope, may_ignore_page=True)
    centers = {center.id: center for page in pages for center in github.records(CostCenter, page.items)}
    return tuple(sorted(centers.values(), key=lambda center: center.id))


def active(centers: Iterable[CostCenter]) -> tuple[CostCenter, ...]:
    """Those of *centers* that are in use."""
    return tuple(center for center in centers if center.is_active)


def envelope(answer: Any) -> Any:
    """One object with the list: older documentation shows it in an array, and an empty list may be left out.

    Raises:
        PayloadError: the answer has neither form.
    """
    bodies = answer if isinstance(answer, list) else [answer]
    items: list[Any] = []
    for body in bodies:
        listed = [] if body == {} else body.get(LIST) if isinstance(body, dict) else None
        if not isinstance(listed, list):
            raise PayloadError(f"GET {COST_CENTER_LIST.path}: no list {LIST} in the answer")
        items += listed
    return {**(bodies[0] if bodies else {}), LIST: items}
