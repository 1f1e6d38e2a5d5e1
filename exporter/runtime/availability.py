"""Whether GitHub offers what a collector reads, judged by its answers."""

from dataclasses import dataclass

from exporter.errors import NOT_OFFERED, Cause, GitHubError

REFUSALS_UNTIL_UNAVAILABLE = 3
MAX_DOUBLINGS = 20


@dataclass(slots=True)
class Availability:
    """Distinguishes "not offered here" from "not now".

    A refusal counts immediately where nothing ever worked; after that only the third in a row does, because GitHub also
    answers 404 and 403 while something is broken.
    """

    offered: bool | None = None
    ever_worked: bool = False
    refusals: int = 0

    def is_refusal(self, error: GitHubError) -> bool:
        """Whether *error* is GitHub's no; a web page is none where something worked: a filter or gateway sent it."""
        is_page = error.cause is Cause.WRONG_ADDRESS
        return isinstance(error, NOT_OFFERED) and not (is_page and self.ever_worked)

    def seconds_to_probe(self, interval: float, longest: float) -> float:
        """How long to wait before something that is not offered is asked for again.

        What worked before comes back sooner, at growing intervals: an outage that answers 404 must not cost a day.
        """
        if not self.ever_worked:
            return longest
        probes = self.refusals - REFUSALS_UNTIL_UNAVAILABLE
        return min(longest, interval * 2.0 ** min(probes + 1, MAX_DOUBLINGS))

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
