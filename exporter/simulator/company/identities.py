"""People and groups as an identity provider provisions them: Enterprise Managed Users by SCIM."""

from typing import Any

from exporter.simulator.company.licenses import Licenses
from exporter.simulator.company.random_draws import Draws

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
LEAVER_SHARE = 0.08
PEOPLE_TO_A_GROUP = 12
MAX_GROUPS = 300
MEMBERS = 5
OWNERS = 2
OWNER_ROLE = "981df190-8801-4618-a08a-d91f6206c954"
"""What GitHub also calls an enterprise owner."""


class Directory:
    """The identities of one enterprise: everybody with a license, and suspended people who have left."""

    def __init__(self, seed: int, enterprise: str, licenses: Licenses) -> None:
        self._draws = Draws(seed, enterprise, "directory")
        self._licenses = licenses
        self._suspended = max(1, round(licenses.most * LEAVER_SHARE))

    def active(self, at: float) -> int:
        """Return how many people are active."""
        return self._licenses.seats(at).consumed

    def people(self, at: float) -> range:
        """Return the places of all people; the suspended ones come last."""
        return range(self.active(at) + self._suspended)

    @property
    def groups(self) -> range:
        """The places of all groups."""
        return range(min(MAX_GROUPS, max(3, self._licenses.most // PEOPLE_TO_A_GROUP)))

    def users(self, at: float, places: range, root: str) -> list[dict[str, Any]]:
        """Return the people at *places*; *root* is the base URL of the API."""
        active = self.active(at)
        return [self._user(place, root, active=place < active) for place in places]

    def group_records(self, places: range, root: str, *, members: bool) -> list[dict[str, Any]]:
        """Return the groups at *places*, with or without their members."""
        return [self._group(place, root, members=members) for place in places]

    def _user(self, place: int, root: str, *, active: bool) -> dict[str, Any]:
        identifier = self._draws.uuid(place)
        login = self._licenses.login(place)
        owner = OWNER_ROLE if place else "enterprise_owner"
        return {
            "schemas": [USER],
            "id": identifier,
            "externalId": f"E{place:06}",
            "active": active,
            "userName": login,
            "name": {"formatted": f"Octo {place}", "familyName": str(place), "givenName": "Octo"},
            "displayName": f"Octo {place}",
            "emails": [{"value": f"{login}@acme.example.com", "type": "work", "primary": True}],
            "roles": [{"value": owner if place < OWNERS else "user", "primary": False}],
            "meta": _meta("User", f"{root}/Users/{identifier}"),
        }

    def _group(self, place: int, root: str, *, members: bool) -> dict[str, Any]:
        identifier = self._draws.uuid(-place - 1)
        record: dict[str, Any] = {
            "schemas": [GROUP],
            "id": identifier,
            "externalId": f"G{place:04}",
            "displayName": f"octo-group-{place + 1}",
            "meta": _meta("Group", f"{root}/Groups/{identifier}"),
        }
        if members:
            people = [place * MEMBERS + step for step in range(MEMBERS)]
            record["members"] = [
                {"value": user, "$ref": f"{root}/Users/{user}", "displayName": f"Octo {person}"}
                for person, user in ((person, self._draws.uuid(person)) for person in people)
            ]
        return record


def _meta(kind: str, location: str) -> dict[str, str]:
    created = "2025-03-27T19:59:26.000Z"
    return {"resourceType": kind, "created": created, "lastModified": created, "location": location}
