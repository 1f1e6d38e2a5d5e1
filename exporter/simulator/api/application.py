"""The simulated GitHub as a WSGI application."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from itertools import count
from typing import Any

from exporter.simulator.api.app_tokens import UNREADABLE, refuse_new
from exporter.simulator.api.bodies import Bodies, Body, render
from exporter.simulator.api.call import Call, Environment
from exporter.simulator.api.credentials import Credential, credential, management_credential
from exporter.simulator.api.http_types import JSON_TYPE, Header, NotFound, Refusal, Request, Response
from exporter.simulator.api.paging import Page, link
from exporter.simulator.api.quota import AUDIT_LOG, CORE, Quota, Quotas
from exporter.simulator.api.refusals import LIMITS, NOT_ACCESSIBLE, PRIMARY_LIMIT
from exporter.simulator.api.routes import ROUTES
from exporter.simulator.api.routes.instance import OLDEST_API_VERSION, api_versions, rate_limit
from exporter.simulator.api.routing import Route, Router
from exporter.simulator.company.estate import SERVER_VERSION, Estate
from exporter.simulator.faults.kinds import HEALTHY, Drawn, Faults
from exporter.simulator.faults.payload import TRANSFORMS
from exporter.simulator.faults.transport import BREAKS, FOREIGN, Attempt

CAP = 50
"""Records of a page with the fault `capped-pages`."""
STEP = 10
"""The companies change every so many seconds; within a step every answer is the same."""

WIRE = "simulator.wire"
"""Where the server puts the connection in the environment."""

DAY = 86_400
READING = ("GET", "HEAD")
NOT_MODIFIED = 304
ORGANIZATIONS = "/orgs/"
FOR_EVERY_TOKEN = (ORGANIZATIONS, "/meta", "/versions")
NOT_ACCESSIBLE_BY_TOKEN = "Resource not accessible by personal access token"  # noqa: S105 - a message
NOT_ACCEPTABLE = "Must accept application/scim+json."

StartResponse = Callable[[str, list[Header]], object]


class Api:
    """GitHub's REST API over an estate.

    Args:
        estate: The companies.
        faults: What goes wrong.
        quotas: Rate limits of the tokens; GitHub Enterprise Server has none.
        now: Unix time.
        latency: Seconds every answer takes.
        stopping: Set when the server stops, which ends every wait.
    """

    def __init__(
        self,
        estate: Estate,
        faults: Faults,
        quotas: Quotas,
        *,
        now: Callable[[], float],
        latency: float,
        stopping: threading.Event,
    ) -> None:
        self._estate = estate
        self._faults = faults
        self._quotas = quotas
        self._now = now
        self._started = now()
        self._latency = latency
        self._stopping = stopping
        self._router = Router(ROUTES)
        self._bodies = Bodies()
        self._numbers = count(1)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, environment: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        call = Call.of(environment)
        with self._lock:
            self._counts[f"{call.method} {environment['PATH_INFO']}"] += 1
            number = next(self._numbers)
        due = time.monotonic() + self._latency
        response = self._respond(call)
        if self._latency:
            # What it takes to make the answer is part of the latency, as it is at GitHub.
            self._stopping.wait(max(0.0, due - time.monotonic()))
        headers = [*response.headers, ("X-GitHub-Request-Id", f"0C70:{number:X}")]
        if response.stream is None and response.status != NOT_MODIFIED:
            headers.append(("Content-Length", str(len(response.body))))
        start_response(response.status_line, headers)
        if call.method == "HEAD":
            return []
        return [response.body] if response.stream is None else response.stream

    def request_counts(self) -> Counter[str]:
        """Return how often each "METHOD path" was asked."""
        with self._lock:
            return Counter(self._counts)

    def _respond(self, call: Call) -> Response:
        drawn = self._faults.draw(call.target)
        if drawn.transport is None:
            return self._proper(call, drawn)
        proper = partial(self._proper, replace(call, whole=True), drawn)
        attempt = Attempt(proper, call.origin, call.target, call.environment[WIRE], self._faults)
        return BREAKS[drawn.transport](attempt)

    def _proper(self, call: Call, drawn: Drawn) -> Response:
        found = self._router.find(call.path, on_server=call.on_server)
        if found is not None and found[0].public and call.method in READING:
            return self._public(call, *found, drawn)
        platform = (("X-GitHub-Enterprise-Version", SERVER_VERSION),) if call.on_server else ()
        try:
            who = self._credential(call)
            if "new-token" in drawn.kinds:
                refuse_new(who.token, self._now())
        except Refusal as refusal:
            return _json(refusal.status, refusal.payload, platform)
        return self._metered(call, who, drawn).with_headers(*platform)

    def _credential(self, call: Call) -> Credential:
        if call.is_management:
            return management_credential(call.header("Authorization"))
        return credential(call.header("User-Agent"), call.header("Authorization"), self._now())

    def _public(self, call: Call, route: Route, names: Mapping[str, str], drawn: Drawn) -> Response:
        """Answer anybody; another host than that of the API would."""
        try:
            body = self._body(route, self._request(call, route, names, OLDEST_API_VERSION, drawn), drawn)
        except Refusal as refusal:
            return _json(refusal.status, refusal.payload, ())
        return _delivered(call, body, route.media_type, ())

    def _metered(self, call: Call, who: Credential, drawn: Drawn) -> Response:
        at = self._now()
        if call.on_server:
            return self._answer(call, who, None, drawn)
        if call.path == "/rate_limit":
            quota = self._quotas.look(who.token, at)
            return self._answer(call, who, quota, drawn).with_headers(*quota.headers())
        resource = AUDIT_LOG if call.path.endswith("/audit-log") else CORE
        quota = self._quotas.use(who.token, at, resource=resource)
        if quota.exceeded:
            refusal = Refusal(403, PRIMARY_LIMIT, documentation_url=LIMITS)
            return _json(refusal.status, refusal.payload, quota.headers())
        response = self._answer(call, who, quota, drawn)
        if response.status == NOT_MODIFIED:
            quota = self._quotas.use(who.token, at, -1, resource)
        if "rate-limit-windows" in drawn.kinds:
            quota = quota.of_other_window()
        return response.with_headers(*quota.headers())

    def _answer(self, call: Call, who: Credential, quota: Quota | None, drawn: Drawn) -> Response:
        accepted, headers = "", [("X-GitHub-Media-Type", "github.v3; format=json")]
        try:
            version = _api_version(call)
            headers.append(("X-GitHub-Api-Version-Selected", version))
            if call.path == "/rate_limit" and call.method in READING:
                return _json(200, rate_limit(quota, version), (*headers, *who.headers("", self._started)))
            found = self._router.find(call.path, on_server=call.on_server)
            if found is None or found[0].method != ("GET" if call.method in READING else call.method):
                raise NotFound
            route, names = found
            accepted = route.scope
            _check(call, who, route)
            request = self._request(call, route, names, version, drawn)
            if route.method == "POST":  # a new thing each time, at this very second
                return _json(201, route.answer(replace(request, at=self._now())).payload, tuple(headers))
            body = self._body(route, request, drawn)
        except Refusal as refusal:
            return _json(refusal.status, refusal.payload, (*headers, *who.headers(accepted, self._started)))
        headers += [*who.headers(accepted, self._started), *_lifecycle(route, self._started)]
        if relations := _link(route, request, body, drawn):
            headers.append(("Link", relations))
        return _delivered(call, body, route.media_type, tuple(headers))

    def _request(self, call: Call, route: Route, names: Mapping[str, str], version: str, drawn: Drawn) -> Request:
        return Request(
            estate=self._estate,
            at=self._now() // STEP * STEP,
            root=call.root,
            path=call.path,
            on_server=call.on_server,
            names=names,
            query=call.query,
            page=_page(call, route, drawn),
            api_version=version,
            disturbances=drawn.disturbances,
        )

    def _body(self, route: Route, request: Request, drawn: Drawn) -> Body:
        def make() -> Body:
            answer = route.answer(request)
            payload = answer.payload
            for kind, transform in TRANSFORMS.items():
                if kind in drawn.kinds:
                    payload = transform(payload)
            is_file = route.lines and isinstance(payload, list)
            content = b"\n".join(map(render, payload)) if is_file else render(payload)
            return Body(content, answer.total, answer.after)

        if drawn == HEALTHY:
            return self._bodies.get(_key(request), make)
        body = make()
        if "endless-link" in drawn.kinds and body.total and request.page.number > request.page.last(body.total):
            number = 1 + (request.page.number - 1) % request.page.last(body.total)
            return self._body(route, replace(request, page=replace(request.page, number=number)), drawn)
        return body


def _key(request: Request) -> Hashable:
    query = tuple(sorted(request.query.items()))
    return request.root, request.path, request.at, request.page, query, request.api_version


def _api_version(call: Call) -> str:
    version = call.header("X-GitHub-Api-Version") or OLDEST_API_VERSION
    if version not in api_versions(on_server=call.on_server):
        raise Refusal(400, f"'{version}' is not a supported version.")
    return version


def _check(call: Call, who: Credential, route: Route) -> None:
    if who.is_app != route.by_app:
        raise Refusal(401, UNREADABLE if route.by_app else "Bad credentials")
    if who.is_installation and not route.app:
        raise Refusal(403, NOT_ACCESSIBLE)
    if who.is_fine_grained and not route.template.startswith(FOR_EVERY_TOKEN):
        raise Refusal(403, NOT_ACCESSIBLE_BY_TOKEN)
    if not who.has(route.scope):
        if route.template.startswith(ORGANIZATIONS):
            raise Refusal(403, "Must have admin rights to Organization.")
        raise NotFound  # GitHub hides what a token may not see
    # GitHub is strict about this one type only.
    if route.media_type != JSON_TYPE and not call.accepts(route.media_type):
        raise Refusal(406, NOT_ACCEPTABLE)


def _page(call: Call, route: Route, drawn: Drawn) -> Page:
    page = Page.of(call.query, per_page=route.per_page)
    if "capped-pages" in drawn.kinds:
        page = replace(page, per_page=min(page.per_page, CAP))
    if "slippage" in drawn.kinds and page.number > 1:
        # By turns a record is missed and one comes again.
        return replace(page, shift=-1 if page.number % 2 else 1)
    return page


def _link(route: Route, request: Request, body: Body, drawn: Drawn) -> str:
    if body.after is not None:
        return _cursor_link(request, body.after, drawn)
    if body.total is None:
        return ""
    url, number = f"{request.root}{request.path}", request.page.number
    if "endless-link" in drawn.kinds:
        return link(url, request.query, {"next": number + 1})
    if "repeating-link" in drawn.kinds:
        return link(url, request.query, {"next": number})
    if "no-link" in drawn.kinds:
        return ""
    if "stray-link" in drawn.kinds:
        url = f"{FOREIGN}/elsewhere"
    elif "foreign-link" in drawn.kinds:
        url = f"{FOREIGN}{request.path}"
    return link(url, request.query, request.page.relations(body.total)) if route.link else ""


def _lifecycle(route: Route, started: float) -> list[Header]:
    """Announce the end of a route that has one."""
    if route.sunset_days is None:
        return []
    return [("Deprecation", f"@{started:.0f}"), ("Sunset", formatdate(started + route.sunset_days * DAY, usegmt=True))]


def _cursor_link(request: Request, after: str, drawn: Drawn) -> str:
    """The Link header of a list whose pages begin after a cursor."""
    url, query = f"{request.root}{request.path}", dict(request.query)
    if "endless-link" in drawn.kinds:
        after = f"{query.get('after', '')}A"
    elif "repeating-link" in drawn.kinds:
        name, value = query.popitem()  # the very page that was asked for
        return link(url, query, {"next": value}, name)
    elif "no-link" in drawn.kinds or not after:
        return ""
    elif "stray-link" in drawn.kinds:
        url = f"{FOREIGN}/elsewhere"
    elif "foreign-link" in drawn.kinds:
        url = f"{FOREIGN}{request.path}"
    return link(url, query, {"next": after}, "after")


def _json(status: int, payload: Any, headers: tuple[Header, ...]) -> Response:
    return Response(status, (("Content-Type", JSON_TYPE), *headers), render(payload))


def _delivered(call: Call, body: Body, media_type: str, headers: tuple[Header, ...]) -> Response:
    headers = (
        *headers,
        ("ETag", body.etag),
        ("Cache-Control", "private, max-age=60, s-maxage=60"),
        ("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding"),
    )
    if call.knows(body.etag):
        return Response(NOT_MODIFIED, headers)
    headers = (("Content-Type", media_type), *headers)
    if call.accepts_gzip() and body.compressed is not None:
        return Response(200, (*headers, ("Content-Encoding", "gzip")), body.compressed)
    return Response(200, headers, body.content)
