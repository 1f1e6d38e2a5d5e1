"""`docs/permissions.md`: the permissions a credential needs, and the API calls of each collector. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from exporter.collector import Collector, Platform, Size
from exporter.duration import format_duration
from exporter.github.endpoint import Endpoint
from exporter.reference.markdown import NOTE, code, table

SIZES = {
    "small": Size(users=100, runners=10, selected_groups=1, runner_versions=2),
    "medium": Size(users=5_000, runners=500, selected_groups=10, runner_versions=5),
    "large": Size(users=50_000, runners=5_000, selected_groups=50, runner_versions=10),
}
ENDPOINTS_HEAD = ("GET", "Classic token scope", "GitHub App permission")

PERMISSIONS = """# Permissions and API calls

{note}
The exporter only sends `GET` requests, but for some data GitHub has no read-only scope or permission. A classic
personal access token of an enterprise owner (of a site administrator, on GitHub Enterprise Server) can read everything.
A GitHub App installed on the enterprise cannot: where the tables say *no App*, add a classic token as `runner_auth`
beside the App. Fine-grained personal access tokens cannot read an enterprise, only the runners of an organization.

## Overview

Calls an hour with the default intervals and options, for enterprises of three sizes:

{sizes}
A call whose answer has not changed does not count against the rate limit. Each configured organization adds calls of
`runners`, `runner_groups`, `hosted_runners` and `runner_versions` for its own runners.

{overview}
GitHub allows a personal access token 5,000 requests an hour and an App installed on an enterprise 15,000; a GitHub
Enterprise Server has no limit unless its administrator sets one. Longer intervals need fewer calls:
`collectors.runners.interval: 2m` halves the largest number.

{sections}"""


def permissions_page(collectors: Sequence[Collector[Any]]) -> str:
    """The page."""
    sizes = table(
        ("Size", "Users", "Runners", "Runner groups of selected visibility", "Versions of runners"),
        (
            (
                name.capitalize(),
                f"{size.users:,}",
                f"{size.runners:,}",
                str(size.selected_groups),
                str(size.runner_versions),
            )
            for name, size in SIZES.items()
        ),
    )
    return PERMISSIONS.format(
        note=NOTE,
        sizes=sizes,
        overview=overview(collectors),
        sections="\n".join(section(collector) for collector in collectors),
    )


def overview(collectors: Sequence[Collector[Any]]) -> str:
    """A row per collector, and what those that run by default cost together."""
    rows = [
        (
            f"[`{collector.name}`](#{collector.name})" + ("" if collector.enabled else " (disabled by default)"),
            code(scopes(collector)),
            app_permissions(collector),
            *(rounded(hourly(collector, size)) for size in SIZES.values()),
        )
        for collector in collectors
    ]
    for platform in Platform:
        running = [collector for collector in collectors if collector.enabled and platform in collector.platforms]
        sums = (rounded(sum(hourly(collector, size) for collector in running)) for size in SIZES.values())
        rows.append((f"**enabled by default, {platform_name(platform)}**", "", "", *sums))
    return table(("Collector", "Classic token scope", "GitHub App permission", *map(str.capitalize, SIZES)), rows)


def section(collector: Collector[Any]) -> str:
    """One collector: its endpoints, and calls by size."""
    costs = table(
        ("Calls", *map(str.capitalize, SIZES)),
        (
            ("per run", *(f"{collector.calls.per_run(size):,}" for size in SIZES.values())),
            (
                f"per hour, every {format_duration(collector.interval)}",
                *(rounded(hourly(collector, size)) for size in SIZES.values()),
            ),
        ),
    )
    return f"## {collector.name}\n\n{endpoints_table(collector.endpoints)}\n{costs}"


def endpoints_table(endpoints: Iterable[Endpoint]) -> str:
    """What reading each endpoint needs."""
    rows = ((f"`{endpoint.path}`", token_scope(endpoint), app_permission(endpoint)) for endpoint in endpoints)
    return table(ENDPOINTS_HEAD, dict.fromkeys(rows))


def hourly(collector: Collector[Any], size: Size) -> float:
    """Requests of an hour with the default interval."""
    return collector.calls.per_hour(size, collector.interval)


def rounded(calls: float) -> str:
    """Two significant digits below ten, whole numbers above."""
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
