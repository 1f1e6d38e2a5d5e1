"""The report for people: a table on a terminal, plain lines anywhere else."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.doctor.advice import State
from exporter.doctor.credentials import Kind
from exporter.doctor.diagnosis import Finding, moment
from exporter.doctor.report import DAY, CredentialReport, EnterpriseReport, cautions

HEAD = ("Enterprise", "Collector", "Endpoint", "Result", "What to do")
STYLES = {State.OK: "green", State.UNAVAILABLE: "dim", State.FAILED: "bold red", State.SKIPPED: "yellow"}
KINDS = {
    Kind.GITHUB_APP: "GitHub App",
    Kind.CLASSIC: "classic personal access token",
    Kind.FINE_GRAINED: "fine-grained personal access token",
    Kind.INSTALLATION: "installation token of a GitHub App",
    Kind.OAUTH: "OAuth token",
    Kind.UNKNOWN: "token of unknown kind",
}
SAID = "As above."
Row = tuple[str, str, str, str, str]


def print_page(reports: Sequence[EnterpriseReport], now: float, out: TextIO) -> None:
    """Write the page to *out*."""
    console = Console(file=out, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in summary(reports, now):
        console.print(Text(line))
    console.print()
    findings = [finding for report in reports for finding in report.findings]
    if console.is_terminal:
        console.print(drawn(findings), soft_wrap=False)
    else:
        out.writelines(f"{line}\n" for line in plain([HEAD, *map(row, findings)]))
    console.print()
    for line in verdict(reports, now):
        console.print(Text(line))


def summary(reports: Sequence[EnterpriseReport], now: float) -> Iterator[str]:
    """A line per enterprise and credential."""
    for report in reports:
        yield f"{report.enterprise} at {report.api_url} (GitHub Enterprise {report.platform.capitalize()})"
        for found in report.credentials:
            yield f"  {found.name}: {'; '.join(facts(found, now))}"


def facts(found: CredentialReport, now: float) -> Iterator[str]:
    """What is known of a credential."""
    yield KINDS[found.kind]
    if found.told.scopes is not None:
        yield f"scopes {', '.join(found.told.scopes) or 'none'}"
    if found.told.expires is not None:
        days = (found.told.expires - now) // DAY
        yield f"expires {moment(found.told.expires)}, in {days:.0f} days"
    for window in found.told.windows.values():
        yield f"rate limit {window.resource} {window.remaining:,.0f} of {window.limit:,.0f} left"


def row(finding: Finding) -> Row:
    """A line of the table."""
    subject = finding.subject
    collector = f"{subject.collector} ({subject.organization})" if subject.organization else subject.collector
    return subject.enterprise, collector, finding.endpoint, result(finding), finding.advice


def result(finding: Finding) -> str:
    """`ok`, or the reason why not."""
    if finding.state is State.SKIPPED:
        return "not asked"
    return finding.reason.value if finding.reason else finding.state.value


def drawn(findings: Sequence[Finding]) -> Table:
    """The table of a terminal; what is said once of an enterprise is not said again."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in HEAD:
        table.add_column(title, overflow="fold")
    said: set[tuple[str, str]] = set()
    for finding in findings:
        enterprise, collector, endpoint, outcome, advice = row(finding)
        if (enterprise, advice) in said:
            advice = SAID
        elif advice:
            said.add((enterprise, advice))
        table.add_row(
            Text(enterprise), Text(collector), Text(endpoint), Text(outcome, STYLES[finding.state]), Text(advice)
        )
    return table


def plain(rows: Sequence[Row]) -> Iterator[str]:
    """Columns of even width; the last is never cut, so that a search finds it."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    for cells in rows:
        yield "  ".join([*map(str.ljust, cells, widths), cells[-1]]).rstrip()


def verdict(reports: Sequence[EnterpriseReport], now: float) -> Iterator[str]:
    """Warnings, then how many things there are to repair."""
    for report in reports:
        for _, _, text in cautions(report, now):
            yield from textwrap.wrap(f"Warning: {report.enterprise}: {text}", 116, subsequent_indent="  ")
    failed = [finding for report in reports for finding in report.findings if finding.state is State.FAILED]
    advice = len({(finding.subject.enterprise, finding.advice) for finding in failed})
    yield f"To repair: {advice}" if failed else "Nothing to repair."
