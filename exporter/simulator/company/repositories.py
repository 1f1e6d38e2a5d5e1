"""Which repositories a company has."""

from collections.abc import Sequence
from typing import NamedTuple

PEOPLE_TO_A_REPOSITORY = 10
MOST_REPOSITORIES = 1_000


class Repository(NamedTuple):
    """A repository of an organisation."""

    organization: str
    name: str

    @property
    def full_name(self) -> str:
        """Its name with its owner."""
        return f"{self.organization}/{self.name}"


def repositories(organizations: Sequence[str], users: int) -> tuple[Repository, ...]:
    """Return the busy repositories of a company with so many *users*: each organisation in turn has its next one."""
    count = min(MOST_REPOSITORIES, max(len(organizations), users // PEOPLE_TO_A_REPOSITORY))
    owners = len(organizations)
    return tuple(Repository(organizations[number % owners], f"repo-{number // owners + 1}") for number in range(count))
