"""The audit log of an enterprise, in pages that begin after a cursor."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from itertools import islice

from exporter.simulator.api.http_types import Answer, Refusal, Request
from exporter.simulator.company.audit_log import Entry

_CREATED = re.compile(r"created:>=(\S+)")
_ACTION = re.compile(r"(?<!\S)action:(\S+)")
WORKFLOWS = "workflows"
OLDEST = 7 * 86_400
"""How far back a phrase without a time leads here."""


def events(request: Request) -> Answer:
    """The events that fit the phrase, after those of the cursor."""
    phrase, newest_first = request.query.get("phrase", ""), request.query.get("order", "desc") != "asc"
    action = _ACTION.search(phrase)
    if action and action[1].partition(".")[0] != WORKFLOWS:
        return Answer([], after="")
    since, until = _since(phrase, request.at), request.at
    cursor = _position(request.query.get("after", ""))
    if cursor is not None:
        since, until = (since, min(until, cursor[0])) if newest_first else (max(since, cursor[0]), until)

    def follows(entry: Entry) -> bool:
        key = entry.at, entry.document
        return cursor is None or (key < cursor if newest_first else key > cursor)

    found = request.enterprise().audit_log.entries(since, until, request.at, newest_first=newest_first)
    page = [*islice(filter(follows, found), request.page.per_page + 1)]
    shown = page[: request.page.per_page]
    return Answer([entry.record for entry in shown], after=_cursor(shown[-1]) if len(page) > len(shown) else "")


def _since(phrase: str, at: float) -> float:
    created = _CREATED.search(phrase)
    if created is None:
        return at - OLDEST
    try:
        return datetime.fromisoformat(created[1]).timestamp()
    except ValueError:
        raise Refusal(422, "Validation Failed") from None


def _cursor(entry: Entry) -> str:
    return urlsafe_b64encode(f"{entry.at}|{entry.document}".encode()).decode()


def _position(cursor: str) -> tuple[float, str] | None:
    try:
        at, _, document = urlsafe_b64decode(cursor).decode().partition("|")
        return float(at), document
    except ValueError:
        return None
