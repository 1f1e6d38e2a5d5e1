"""Which organizations are read: those that the settings name and, with `auto`, those that the enterprise has.

An organization that is missing from one list may be missing from the answer alone: it stays until the next list lacks
it too, which is read soon. A list without any, or with records that could not be understood, makes nothing go.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple

from exporter.collector import FoundOrganizations

LISTS_UNTIL_GONE = 2


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is read, the named ones first; and how many of those found are not, for which reason."""

    organizations: tuple[str, ...]
    excluded: int = 0
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Selection:
    """What the settings of an enterprise say of its organizations.

    Attributes:
        named: those that are read in any case.
        auto: whether those found are read too.
        include: patterns one of which a found one must match, if there are any.
        exclude: patterns none of which it may match.
        max: how many of those found are read.
    """

    named: tuple[str, ...] = ()
    auto: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max: int = 0

    def is_found(self, organization: str) -> bool:
        """Whether *organization* is read because it was found."""
        return self.auto and bool(organization) and organization.lower() not in self._lower_names

    def choose(self, known: Iterable[str]) -> Chosen:
        """Choose among the *known* ones: the same ones for every exporter that knows the same."""
        found = sorted((login for login in known if self.is_found(login)), key=str.lower)
        wanted = [login for login in found if self._wants(login.lower())]
        return Chosen(
            (*self.named, *wanted[: self.max]), excluded=len(found) - len(wanted), left_out=len(wanted[self.max :])
        )

    @property
    def _lower_names(self) -> frozenset[str]:
        return frozenset(map(str.lower, self.named))

    def _wants(self, login: str) -> bool:
        is_included = not self.include or _matches(login, self.include)
        return is_included and not _matches(login, self.exclude)


def _matches(login: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(login, pattern.lower()) for pattern in patterns)


class KnownOrganizations(NamedTuple):
    """The organizations of an enterprise, and whether the last list that counts had all of them."""

    logins: tuple[str, ...]
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class _Known:
    login: str
    missed: int = 0


class Discovery:
    """The organizations that each enterprise is known to have."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._known: dict[str, dict[str, _Known]] = {}

    def reconcile(self, addresses: Mapping[str, str]) -> None:
        """Know nothing of other enterprises from now on; one at another address is another one."""
        self._known = {
            enterprise: known
            for enterprise, known in self._known.items()
            if addresses.get(enterprise) == self._addresses.get(enterprise)
        }
        self._addresses = dict(addresses)

    def restore(self, enterprise: str, logins: Iterable[str]) -> None:
        """Begin with what an earlier process knew, unless there is something newer."""
        self._known.setdefault(enterprise, {login.lower(): _Known(login) for login in logins})

    def note(self, enterprise: str, found: FoundOrganizations) -> KnownOrganizations:
        """Take note of a list."""
        self._known[enterprise] = known = updated(self._known.get(enterprise, {}), found)
        return KnownOrganizations(self.known(enterprise), not any(each.missed for each in known.values()))

    def known(self, enterprise: str) -> tuple[str, ...]:
        """The organizations that *enterprise* has, as far as is known."""
        return tuple(each.login for each in self._known.get(enterprise, {}).values())


def updated(known: Mapping[str, _Known], found: FoundOrganizations) -> dict[str, _Known]:
    """What is known after a list."""
    listed = {login.lower(): _Known(login) for login in found.logins}
    missing = {key: each for key, each in known.items() if key not in listed}
    if listed and found.is_complete:
        missing = {key: _Known(each.login, each.missed + 1) for key, each in missing.items()}
    return listed | {key: each for key, each in missing.items() if each.missed < LISTS_UNTIL_GONE}
