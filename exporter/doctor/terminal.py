"""The report for people: a table on a terminal, plain lines anywhere else."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from exporter.doctor.advice import State
from exporter.doctor.calls import described
from exporter.doctor.credentials import Kind
from exporter.doctor.diagnosis import Finding, format_time
from exporter.doctor.report import (
    DAY,
    CredentialReport,
    EnterpriseReport,
    budget_warnings,
    rate_limit_budgets,
    warnings_of,
)

HEAD = ("Enterprise", "Collector", "Endpoint", "Result", "What to do")
STYLES = {State.OK: "green", State.UNAVAILABLE: "dim", State.FAILED: "bold red", State.SKIPPED: "yellow"}
KINDS = {
    Kind.GITHUB_APP: "GitHub App",
    Kind.CLASSIC: "classic personal access token",
    Kind.FINE_GRAINED: "fine-grained personal access token",
    Kind.INSTALLATION: "installation token of a GitHub App",
    Kind.OAUTH: "OAuth token",
    Kind.PASSWORD: "password of the management console",
    Kind.UNKNOWN: "token of unknown kind",
    Kind.NONE: "no credential",
}
SEE_ABOVE = "See above."
Row = tuple[str, str, str, str, str]


def print_report(reports: Sequence[EnterpriseReport], now: float, out: TextIO) -> None:
    """Write the report to *out*."""
    console = Console(file=out, highlight=False, markup=False, emoji=False, soft_wrap=True)
    # Captured, because the console would end the process where the reader of the output has gone away.
    with console.capture() as capture:
        for line in summary(reports, now):
            console.print(Text(line))
        console.print()
        findings = [finding for report in reports for finding in report.findings]
        known = {(report.enterprise, advice) for report in reports for advice in common_problems(report.findings)}
        if console.is_terminal:
            console.print(drawn(findings, known), soft_wrap=False)
        else:
            for line in plain([HEAD, *rows(findings, known)]):
                console.print(Text(line))
        console.print()
        for budget in rate_limit_budgets(reports):
            console.print(Text(described(budget)))
        for line in verdict(reports, now):
            console.print(Text(line))
    out.write(capture.get())


def summary(reports: Sequence[EnterpriseReport], now: float) -> Iterator[str]:
    """For each enterprise a line, one per credential, and what made further checks pointless."""
    for report in reports:
        if report.enterprise:
            yield f"{report.enterprise} at {report.api_url} (GitHub Enterprise {report.platform.capitalize()})"
        else:
            yield f"No enterprise, no credential: {report.api_url}"
        for found in report.credentials:
            yield f"  {found.name}: {'; '.join(facts(found, now))}"
        for advice in common_problems(report.findings):
            yield from textwrap.wrap(f"Problem: {advice}", 116, initial_indent="  ", subsequent_indent="    ")


def common_problems(findings: Sequence[Finding]) -> list[str]:
    """The advice on what made further checks pointless."""
    skipped = {finding.cause for finding in findings if finding.state is State.SKIPPED}
    return list(
        dict.fromkeys(
            finding.advice for finding in findings if finding.state is State.FAILED and finding.cause in skipped
        )
    )


def facts(found: CredentialReport, now: float) -> Iterator[str]:
    """What is known of a credential."""
    yield KINDS[found.kind]
    if found.facts.scopes is not None:
        yield f"scopes {', '.join(found.facts.scopes) or 'none'}"
    if found.facts.expires is not None:
        days = (found.facts.expires - now) // DAY
        yield f"expires {format_time(found.facts.expires)}, in {days:.0f} days"
    for window in found.facts.windows.values():
        yield f"rate limit {window.resource} {window.remaining:,.0f} of {window.limit:,.0f} left"


def row(finding: Finding) -> Row:
    """A line of the table."""
    target = finding.target
    collector = f"{target.collector} ({target.organization})" if target.organization else target.collector
    return target.enterprise or "-", collector, finding.endpoint, result(finding), finding.advice


def result(finding: Finding) -> str:
    """`ok`, or the reason why not."""
    if finding.state is State.SKIPPED:
        return "not asked"
    return finding.reason.value if finding.reason else finding.state.value


def rows(findings: Sequence[Finding], known: Iterable[tuple[str, str]], *, repeats: bool = True) -> Iterator[Row]:
    """The lines of the table, without the *known* advice of an enterprise; without *repeats* each is given once."""
    given = set(known)
    for finding in findings:
        enterprise, collector, endpoint, outcome, advice = row(finding)
        if (enterprise, advice) in given:
            advice = SEE_ABOVE
        elif advice and not repeats:
            given.add((enterprise, advice))
        yield enterprise, collector, endpoint, outcome, advice


def drawn(findings: Sequence[Finding], known: Iterable[tuple[str, str]] = ()) -> Table:
    """The table of a terminal."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in HEAD:
        table.add_column(title, overflow="fold")
    for finding, (*cells, outcome, advice) in zip(findings, rows(findings, known, repeats=False), strict=True):
        table.add_row(*map(Text, cells), Text(outcome, STYLES[finding.state]), Text(advice))
    return table


def plain(rows: Sequence[Row]) -> Iterator[str]:
    """Columns of even width; the last is never cut, so that a search finds it."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD) - 1)]
    for cells in rows:
        yield "  ".join([*map(str.ljust, cells, widths), cells[-1]]).rstrip()


def verdict(reports: Sequence[EnterpriseReport], now: float) -> Iterator[str]:
    """Warnings, then how many problems there are to fix."""
    budgets = rate_limit_budgets(reports)
    for report in reports:
        for _, _, text in (*warnings_of(report, now), *budget_warnings(report, budgets)):
            yield from textwrap.wrap(f"Warning: {report.enterprise}: {text}", 116, subsequent_indent="  ")
    failed = [finding for report in reports for finding in report.findings if finding.state is State.FAILED]
    advice = len({(finding.target.enterprise, finding.advice) for finding in failed})
    yield f"Problems to fix: {advice}" if failed else "Nothing to fix."
