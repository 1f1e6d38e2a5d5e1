"""Whether GitHub offers what a collector reads, as far as its answers tell."""

from dataclasses import dataclass

REFUSALS_UNTIL_UNAVAILABLE = 3


@dataclass(slots=True)
class Availability:
    """Tells "not offered here" from "not now".

    A refusal counts at once where nothing ever worked; after that only the third in a row does, because GitHub also
    answers 404 and 403 while something is broken.
    """

    offered: bool | None = None
    ever_worked: bool = False
    refusals: int = 0

    def worked(self) -> None:
        """Something was read."""
        self.offered, self.ever_worked, self.refusals = True, True, 0

    def refused(self) -> None:
        """GitHub said that this is not to be had."""
        self.refusals += 1
        self.offered = self.ever_worked and self.refusals < REFUSALS_UNTIL_UNAVAILABLE

    def failed(self) -> None:
        """Anything else went wrong, which says nothing of what is offered."""
        self.refusals = 0
        self.offered = self.offered is not False
