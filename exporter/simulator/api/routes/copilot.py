"""Copilot seats of an enterprise (GitHub Enterprise Cloud only)."""

from exporter.simulator.api.http_types import Answer, NotFound, Refusal, Request
from exporter.simulator.company.copilot_usage import written

PER_PAGE = 50
SIGNATURE = "octo-pre-signed"
"""What links to reports are signed with; whoever has one can read the report."""


def seats(request: Request) -> Answer:
    """One entry for each assignment; the total counts people."""
    copilot = request.enterprise().copilot
    if copilot is None:
        raise NotFound
    places = copilot.places(request.at)
    records = copilot.seats(request.at, request.page.of_places(places))
    return Answer({"total_seats": copilot.people(request.at), "seats": records}, total=len(places))


def usage_report(request: Request) -> Answer:
    """Where to download the newest report, here instead of on another host."""
    usage = request.enterprise().copilot_usage
    if usage is None:
        raise NotFound
    last = usage.last_day(request.at)
    link = f"{request.root}/copilot-usage-reports/{request.names['enterprise']}?sig={SIGNATURE}"
    return Answer({"download_links": [link], "report_start_day": written(last - 27), "report_end_day": written(last)})


def usage_file(request: Request) -> Answer:
    """The report itself, for whoever has the link."""
    usage = request.enterprise().copilot_usage
    if usage is None:
        raise NotFound
    if request.query.get("sig") != SIGNATURE:
        raise Refusal(403, "Server failed to authenticate the request.")
    return Answer(usage.report(request.at))
