"""The page at `/`: what is collected, how fresh it is and what is wrong. No script, no secret."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from itertools import groupby

from exporter.errors import Reason
from exporter.runtime.status import Key, Status, prefix

STYLE = """
:root {
  color-scheme: light dark; --page: #f6f8fa; --card: #fff; --text: #1f2328; --soft: #59636e; --line: #d1d9e0;
  --link: #0969da; --ok: #1a7f37; --bad: #d1242f; --wait: #9a6700;
}
@media (prefers-color-scheme: dark) { :root {
  --page: #0d1117; --card: #151b23; --text: #f0f6fc; --soft: #9198a1; --line: #3d444d;
  --link: #4493f8; --ok: #3fb950; --bad: #f85149; --wait: #d29922;
} }
body { background: var(--page); color: var(--text); font: 14px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 78rem; padding: 2rem 1.5rem; }
header { align-items: baseline; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
h1 { font-size: 1.6rem; margin: 0; }
header p { color: var(--soft); margin: 0; }
nav { flex-basis: 100%; } nav a { color: var(--link); margin-right: 1.25rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
.scroll { background: var(--card); border: 1px solid var(--line); border-radius: 8px; overflow-x: auto; }
table { border-collapse: collapse; min-width: 60rem; table-layout: fixed; width: 100%; }
th, td { padding: .45rem 1rem; text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-size: .85em; font-weight: 600; width: 6.75rem; }
thead th:first-child { width: 10rem; } thead th:last-child { width: auto; }
tbody th { font-weight: 600; } tbody tr > * { border-top: 1px solid var(--line); }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.ok, .failing, .waiting, .unavailable { font-weight: 600; white-space: nowrap; }
.ok { color: var(--ok); } .failing { color: var(--bad); } .waiting { color: var(--wait); }
.unavailable { color: var(--soft); font-weight: 400; }
.problem { color: var(--soft); overflow-wrap: anywhere; }
.summary { color: var(--soft); margin: 0 0 .6rem; }
.summary span + span::before { color: var(--line); content: "|"; font-weight: 400; margin: 0 .6rem; }
details { margin-top: .6rem; } summary { color: var(--soft); cursor: pointer; margin-bottom: .6rem; }
"""

REASONS = {
    Reason.UNREACHABLE: "GitHub cannot be reached",
    Reason.TIMEOUT: "no response in time",
    Reason.SERVER_ERROR: "server error of GitHub",
    Reason.RATE_LIMITED: "rate limit used up",
    Reason.UNAUTHORIZED: "credential rejected",
    Reason.FORBIDDEN: "access denied",
    Reason.UNAVAILABLE: "not available",
    Reason.PAYLOAD: "unexpected response",
    Reason.BUG: "error of the exporter",
}
NOT_ON_PLATFORM = "this platform does not offer it"
STATES = ("failing", "waiting", "ok", "unavailable")
"""In the order in which they matter."""
WORDS = {"unavailable": "not available"}
HEADS = ("Collector", "State", "Last success", "Took", "Interval", "Next run", "Last problem")
NO_ENTERPRISE = "GitHub in general"
"""The heading of what is about no enterprise."""
MAX_PROBLEMS = 5
"""Lines about one collector."""
SLOW_SECONDS = 60.0
"""From when on a reading is said to take long."""
UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Link:
    """A place to go to from the page."""

    path: str
    name: str


LINKS = (Link("metrics", "Metrics"), Link("-/healthy", "Health"), Link("-/ready", "Readiness"))


def status_page(version: str, statuses: Mapping[Key, Status], now: float) -> str:
    """Draw the page as of *now*."""
    links = "".join(f'<a href="{link.path}">{link.name}</a>' for link in LINKS)
    ordered = sorted(statuses.items(), key=lambda item: (not item[0].enterprise, item[0].enterprise))
    enterprises = groupby(ordered, lambda item: item[0].enterprise)
    sections = "".join(enterprise_section(name, rows, now) for name, rows in enterprises)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ghe-exporter</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>ghe-exporter</h1>
<p>Prometheus exporter for GitHub Enterprise, version {escape(version)}</p>
<nav>{links}</nav></header>
<main>{sections or "<p>No enterprise is configured.</p>"}</main>
</body>
</html>
"""


def enterprise_section(enterprise: str, rows: Iterable[tuple[Key, Status]], now: float) -> str:
    """The collectors of one enterprise, failing ones first; those that are not available are folded."""
    by_state: dict[str, list[tuple[Key, Status]]] = {state: [] for state in STATES}
    for key, status in rows:
        by_state[state_of(status)].append((key, status))
    counts = "".join(
        f'<span class="{state}">{len(found)} {WORDS.get(state, state)}</span>'
        for state, found in by_state.items()
        if found
    )
    unavailable = by_state.pop("unavailable")
    available = [row for found in by_state.values() for row in found]
    upcoming = sorted((status.next_at, key.collector) for key, status in available if status.next_at is not None)
    next_run = "".join(f"<span>next run {at_time(at, now)}: {escape(name)}</span>" for at, name in upcoming[:1])
    section = f'<h2>{escape(enterprise or NO_ENTERPRISE)}</h2>\n<p class="summary">{counts}{next_run}</p>\n'
    if available:
        section += table(available, now)
    if unavailable:
        one = len(unavailable) == 1
        title = f"{len(unavailable)} {'collector is' if one else 'collectors are'} not available here"
        section += f"<details><summary>{title}</summary>{table(unavailable, now)}</details>\n"
    return section


def table(rows: Iterable[tuple[Key, Status]], now: float) -> str:
    """A row for each collector."""
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADS)
    body = "".join(collector_row(key.collector, status, now) for key, status in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n'


def collector_row(collector: str, status: Status, now: float) -> str:
    """One collector."""
    state = state_of(status)
    succeeded = "never" if status.succeeded_at is None else f"{span(now - status.succeeded_at)} ago"
    took = "" if status.duration is None else moment(status.duration)
    next_run = "" if status.next_at is None else at_time(status.next_at, now)
    interval = span(status.interval)
    if status.interval > status.configured_interval:  # the rate limit allows no more
        interval += f"<br>instead of {span(status.configured_interval)}"
    name = escape(collector) + (f"<br><small>{levels_of(status)}</small>" if levels_of(status) else "")
    cells = "".join(f'<td class="number">{text}</td>' for text in (succeeded, took, interval, next_run))
    return (
        f'<tr><th scope="row">{name}</th><td class="{state}">{WORDS.get(state, state)}</td>{cells}'
        f'<td class="problem">{"<br>".join(map(escape, problems_of(status, now)))}</td></tr>\n'
    )


def levels_of(status: Status) -> str:
    """How many organizations a collector reads, and how many more were found that it may not read."""
    many = [(status.organizations, "organization", "organizations"), (status.refused, "refused", "refused")]
    return ", ".join(f"{count} {one if count == 1 else more}" for count, one, more in many if count)


def problems_of(status: Status, now: float) -> Iterator[str]:
    """What is wrong, in words: a line for each level that fails or takes long."""
    if status.available is False and not status.failing:
        yield NOT_ON_PLATFORM
    for level in status.failing[:MAX_PROBLEMS]:
        yield f"{level.where}{REASONS[level.reason]}: {level.problem}"
    if len(status.failing) > MAX_PROBLEMS:
        yield f"and {len(status.failing) - MAX_PROBLEMS} more organizations"
    slow = [(organization, now - since) for organization, since in status.running if now - since > SLOW_SECONDS]
    for organization, seconds in slow[:MAX_PROBLEMS]:
        yield f"{prefix(organization)}running for {span(seconds)}"


def state_of(status: Status) -> str:
    """How a collector does, one of STATES."""
    if status.available is False:
        return "unavailable"
    if status.success is None:
        return "waiting"
    return "ok" if status.success else "failing"


def at_time(at: float, now: float) -> str:
    """When something is due."""
    return "now" if at <= now else f"in {span(at - now)}"


def moment(seconds: float) -> str:
    """A short length of time."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def span(seconds: float) -> str:
    """A length of time as people say it, in one or two units."""
    whole = max(0, round(seconds))
    for position, (size, unit) in enumerate(UNITS):
        if whole >= size:
            smaller, name = UNITS[position + 1] if position + 1 < len(UNITS) else (1, "s")
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"
