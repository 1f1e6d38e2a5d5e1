"""Which repositories a company has."""

from collections.abc import Sequence
from typing import NamedTuple

PEOPLE_TO_A_REPOSITORY = 10
PUBLIC_EVERY = 10
FIRST_PUBLIC = 4
MAX_REPOSITORIES = 1_000


class Repository(NamedTuple):
    """A repository of an organization; what a public one uses is free."""

    organization: str
    name: str
    public: bool = False

    @property
    def full_name(self) -> str:
        """Its name with its owner."""
        return f"{self.organization}/{self.name}"


def repositories(organizations: Sequence[str], users: int) -> tuple[Repository, ...]:
    """Return the busy repositories of a company with so many *users*: each organization in turn has its next one."""
    count = min(MAX_REPOSITORIES, max(len(organizations), users // PEOPLE_TO_A_REPOSITORY))
    owners = len(organizations)
    return tuple(
        Repository(
            organizations[number % owners], f"repo-{number // owners + 1}", number % PUBLIC_EVERY == FIRST_PUBLIC
        )
        for number in range(count)
    )
