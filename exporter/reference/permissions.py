"""`docs/permissions.md`: the permissions a credential needs, and the API calls of each collector. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exporter.collector import Collector, Platform
from exporter.duration import format_duration
from exporter.github.endpoint import Endpoint
from exporter.reference.markdown import NOTE, code, table


@dataclass(frozen=True, slots=True)
class Size:
    """How large an enterprise is."""

    name: str
    users: int
    runners: int
    organizations: int


SIZES = (
    Size("small", users=100, runners=10, organizations=2),
    Size("medium", users=5_000, runners=500, organizations=10),
    Size("large", users=50_000, runners=5_000, organizations=50),
)
PER_ORGANIZATION = "organization"
"""Beside the names of the sizes: what one more organization of an enterprise of medium size costs."""

Calls = Mapping[str, Mapping[str, Mapping[str, float | None]]]
"""Calls an hour by platform, collector (and the option that is switched on, after a space) and size."""

ENDPOINTS_HEAD = ("GET", "Classic token scope", "GitHub App permission")

PERMISSIONS = """# Permissions and API calls

{note}
The exporter only sends `GET` requests, but for some data GitHub has no read-only scope or permission. A classic
personal access token of an enterprise owner (of a site administrator, on GitHub Enterprise Server) can read everything
but a server's management API, which takes no token but the user and password of `manage_auth`.
A GitHub App installed on the enterprise cannot: where the tables say *no App*, add a classic token as `runner_auth`
beside the App. Fine-grained personal access tokens cannot read an enterprise, only the runners of an organization.

## API calls

Calls an hour with the default intervals and options, as counted with `ghe-exporter simulate` (`make calls`), for
enterprises of three sizes:

{sizes}
Each organization has a cost center of its own, beyond the fifth also a runner group. The column *Organization* is what
each organization adds that is configured under `organizations`, in an enterprise of medium size. A call whose answer
has not changed is counted here, but not by the rate limit. `ghe-exporter check` says what a configuration costs.

### GitHub Enterprise Cloud

{cloud}
GitHub allows a personal access token 5,000 requests an hour and an App installed on an enterprise 15,000. Longer
intervals need fewer calls: `collectors.runners.interval: 2m` halves the largest number.

### GitHub Enterprise Server

{server}
A GitHub Enterprise Server has no limit unless its administrator sets one.

## Permissions

{overview}
{sections}"""


def permissions_page(collectors: Sequence[Collector[Any]], calls: Calls) -> str:
    """The page."""
    sizes = table(
        ("Size", "Users", "Runners", "Organizations"),
        ((size.name.capitalize(), f"{size.users:,}", f"{size.runners:,}", f"{size.organizations}") for size in SIZES),
    )
    return PERMISSIONS.format(
        note=NOTE,
        sizes=sizes,
        cloud=calls_table(collectors, Platform.CLOUD, calls),
        server=calls_table(collectors, Platform.SERVER, calls),
        overview=overview(collectors),
        sections="\n".join(section(collector) for collector in collectors),
    )


def calls_table(collectors: Sequence[Collector[Any]], platform: Platform, calls: Calls) -> str:
    """Calls of each collector on *platform*, of its options that cost calls, and of what runs by default together."""
    counted = calls.get(platform, {})
    columns = (*(size.name for size in SIZES), PER_ORGANIZATION)
    rows: list[tuple[str, ...]] = []
    sums = dict.fromkeys(columns, 0.0)
    for collector in (each for each in collectors if platform in each.platforms and not each.for_process):
        for name, option in variants(collector):
            found = counted.get(name, {})
            if option and not costs_more(found, counted.get(collector.name, {})):
                continue
            rows.append(
                (call_name(collector, option), every(collector), *(rounded(found.get(each)) for each in columns))
            )
            if collector.enabled and not option:
                sums = {each: sums[each] + (found.get(each) or 0) for each in columns}
    rows.append(("**enabled by default**", "", *(rounded(sums[each]) for each in columns)))
    return table(("Collector", "Every", *map(str.capitalize, columns)), rows)


def variants(collector: Collector[Any]) -> Iterator[tuple[str, str]]:
    """The names under which calls are counted: the collector, and with each option that is off by default."""
    yield collector.name, ""
    for option, declared in collector.options.model_fields.items():
        if declared.default is False:
            yield f"{collector.name} {option}", option


def costs_more(calls: Mapping[str, float | None], default: Mapping[str, float | None]) -> bool:
    """Whether an option sends other *calls* than the *default*."""
    return any(value != default.get(each) for each, value in calls.items())


def call_name(collector: Collector[Any], option: str) -> str:
    """A row's name."""
    if option:
        return f"`{collector.name}` with `{option}: true`"
    return f"[`{collector.name}`](#{collector.name})" + ("" if collector.enabled else " (disabled by default)")


def every(collector: Collector[Any]) -> str:
    """The default interval."""
    return format_duration(collector.interval)


def overview(collectors: Sequence[Collector[Any]]) -> str:
    """What each collector needs."""
    rows = (
        (f"[`{collector.name}`](#{collector.name})", code(scopes(collector)), app_permissions(collector))
        for collector in collectors
    )
    return table(("Collector", "Classic token scope", "GitHub App permission"), rows)


def scopes_table(collectors: Sequence[Collector[Any]]) -> str:
    """Which collectors need each scope of a classic token, those of organizations last."""
    needed: dict[tuple[bool, str], list[str]] = {}
    for collector in collectors:
        for endpoint in collector.endpoints:
            if endpoint.scope and not endpoint.is_management:
                needed.setdefault((endpoint.level == "organization", endpoint.scope), []).append(collector.name)
    rows = (
        (f"`{scope}`", f"{code(names)} of organizations" if of_organizations else code(names))
        for (of_organizations, scope), names in sorted(needed.items(), key=lambda each: each[0][0])
    )
    return table(("Scope", "Collectors"), rows)


def section(collector: Collector[Any]) -> str:
    """One collector and its endpoints."""
    return f"## {collector.name}\n\n{endpoints_table(collector.endpoints)}"


def endpoints_table(endpoints: Iterable[Endpoint]) -> str:
    """What reading each endpoint needs."""
    rows = ((f"`{endpoint.path}`", token_scope(endpoint), app_permission(endpoint)) for endpoint in endpoints)
    return table(ENDPOINTS_HEAD, dict.fromkeys(rows))


def rounded(calls: float | None) -> str:
    """Two significant digits below ten, whole numbers above; empty where there is nothing to read."""
    if not calls:
        return ""
    return f"{calls:,.0f}" if calls >= 10 else f"{calls:.2g}"  # noqa: PLR2004 - see the docstring


def scopes(collector: Collector[Any]) -> list[str]:
    """Scopes of a classic token."""
    return [endpoint.scope for endpoint in collector.endpoints if endpoint.scope]


def token_scope(endpoint: Endpoint) -> str:
    """The scope of a classic token that *endpoint* needs."""
    if endpoint.anonymous:
        return "no token is sent"
    return f"`{endpoint.scope}`" if endpoint.scope else "any"


def app_permission(endpoint: Endpoint) -> str:
    """The permission a GitHub App needs: `read` unless the declaration says more, or that no App can read it."""
    if endpoint.anonymous:
        return "no token is sent"
    if not endpoint.scope:
        return "any"
    if not endpoint.app_permission:
        return "no App"
    return f"`{endpoint.app_permission}`" if ":" in endpoint.app_permission else f"`{endpoint.app_permission}: read`"


def app_permissions(collector: Collector[Any]) -> str:
    """What a GitHub App needs for *collector*."""
    if not collector.app_can_read:
        return "no App"
    return ", ".join(dict.fromkeys(app_permission(endpoint) for endpoint in collector.endpoints))


def platform_name(platform: Platform) -> str:
    """The platform as GitHub calls it."""
    return {Platform.CLOUD: "GitHub Enterprise Cloud", Platform.SERVER: "GitHub Enterprise Server"}[platform]
