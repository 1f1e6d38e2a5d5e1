"""What a person has to tell about an enterprise's plan, because no API does any more."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

BillingPlatform = Literal["auto", "enhanced", "legacy"]


class Included(BaseModel):
    """Allowances of the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions_minutes: float | None = Field(None, ge=0, allow_inf_nan=False, description="Actions minutes a month.")
    storage_gigabytes: float | None = Field(None, ge=0, allow_inf_nan=False, description="Shared storage in gigabytes.")
    packages_transfer_gigabytes: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Packages data transfer a month."
    )
