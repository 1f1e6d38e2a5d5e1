"""What can go wrong: the kinds of faults, and the switchboard that turns them on."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from exporter.simulator.api.http_types import Disturbances
from exporter.simulator.company.random_draws import Draws

TRANSPORT: Mapping[str, str] = MappingProxyType(
    {
        "http-500": "status 500 with an HTML body",
        "http-502": "status 502 with an HTML body",
        "http-503": "status 503 with an HTML body",
        "http-504": "status 504 with an HTML body",
        "html": "status 200 with an HTML login page",
        "empty": "status 200 with an empty body",
        "truncated": "the connection closes before the promised length is sent",
        "reset": "the connection is reset in the middle of the body",
        "hang": "the request is accepted and never answered",
        "slow-drip": "the right answer, a few bytes at a time",
        "slow-head": "the head of the answer, a byte at a time, without end",
        "many-headers": "a head of 200 headers",
        "not-http": "bytes that are not HTTP",
        "bad-gzip": "a body that says it is gzip and is not",
        "gzip-bomb": "a small body that unpacks to more than 64 MiB",
        "oversized": "a body larger than 64 MiB",
        "wrong-content-type": "the right JSON, declared as text/plain",
        "malformed-json": "a complete body that is not JSON",
        "rate-limit-primary": "403, the hourly quota is used up",
        "rate-limit-secondary": "403, a secondary rate limit, without Retry-After",
        "rate-limit-primary-retry-after": "403, the hourly quota is used up, with Retry-After",
        "rate-limit-secondary-retry-after": "403, a secondary rate limit, with Retry-After",
        "too-many-requests": "429 that says nothing else",
        "retry-after": "429 with Retry-After",
        "unsupported-version": "400, the version of the API is not supported",
        "unauthorized": "401, bad credentials",
        "forbidden": "403, not accessible by this credential",
        "sso": "403, the token is not authorized for single sign-on",
        "ip-allow-list": "403, the address is not on the IP allow list",
        "suspended": "403, the installation of the GitHub App is suspended",
        "no-permission": "403, the GitHub App lacks a permission",
        "token-policy": "403, this kind of token is forbidden",
        "not-owner": "403, the token's person has no right to this",
        "not-enabled": "403, the feature is not enabled",
        "not-found": "404",
        "gone": "410, this endpoint has been moved",
        "redirect": "302 to the same resource on the same host",
        "redirect-loop": "302 to itself",
        "foreign-redirect": "302 to another host",
        "nowhere-redirect": "302 to something that is no URL",
        "invalid-utf-8": "texts that are not UTF-8",
        "lone-surrogates": "texts with one half of a surrogate pair",
        "control-characters": "texts with escapes that terminals obey, and NUL",
        "long-texts": "some texts are 100 kB long",
        "duplicate-keys": "every key comes twice, null first",
        "null-last": "every whole number comes twice, null last",
        "deep-nesting": "the answer is inside 50,000 lists",
        "enormous-numbers": "whole numbers of 5,000 digits",
        "wrapped": "a list that holds the right answer",
    }
)
"""Faults that replace or damage the answer; the first one drawn wins."""

LINKS: Mapping[str, str] = MappingProxyType(
    {
        "endless-link": "the Link header always names a further page, and there is one",
        "repeating-link": "the Link header names the same page as the next",
        "foreign-link": "the Link header names another host, and the right path",
        "stray-link": "the Link header names another host and another path",
        "no-link": "there is no Link header",
        "capped-pages": "a page holds 50 records, however many are asked for",
    }
)
"""Faults in the announcement of pages."""

PAYLOAD: Mapping[str, str] = MappingProxyType(
    {
        "nulls": "every value is null",
        "strings-for-numbers": "every number is a string",
        "nan": "every number is NaN or infinite",
        "huge-integers": "every number has 400 digits",
        "hostile-labels": "names with quotes, newlines and backslashes, one of them 100 kB long",
        "missing-keys": "half of the keys are missing",
        "wrong-types": "every value is of another type, every list an object",
        "unknown-keys": "every object has keys nobody knows",
        "total-zero": "every total of a list is 0",
        "total-of-page": "every total of a list is the number of records on the page",
        "total-too-large": "every total of a list is larger than the list by 1,000",
        "slippage": "the list moves between pages: records repeat and are missed",
    }
)
"""Faults in what the JSON says."""

CREDENTIALS: Mapping[str, str] = MappingProxyType(
    {
        "new-token": "401 while the token of a GitHub App is younger than 4 seconds",
        "rate-limit-windows": "the rate limit is reported from another window, with half as much left",
    }
)
"""Faults in what GitHub knows of a credential."""

DOMAIN: Mapping[str, str] = MappingProxyType(
    {
        "runners-offline": "runners of the group linux-large are offline; RATE is their share",
        "seats-exhausted": "free seats are lost; RATE is their share, with 1 none is left",
        "sync-failed": "license syncs have failed; RATE is their share",
        "replication-broken": "services of the server's replica are critical; RATE is their share",
        "server-maintenance": "nodes of the server are in maintenance; RATE is their share, the primary first",
    }
)
"""Faults of the companies, not of the API: they hold for every request, and RATE is how much is affected."""

KINDS: Mapping[str, str] = MappingProxyType({**TRANSPORT, **LINKS, **PAYLOAD, **CREDENTIALS, **DOMAIN})
"""Every kind of fault and what it does."""

CALM = Disturbances()
EXPECTED = "expected KIND=RATE or KIND@PATHPART=RATE"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that happens to a share of the requests.

    Attributes:
        kind: One of `KINDS`.
        rate: Share of the requests, from 0 to 1.
        path_part: Only requests whose path and query contain this.
    """

    kind: str
    rate: float
    path_part: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What goes wrong with one request."""

    transport: str | None = None
    kinds: frozenset[str] = frozenset()
    disturbances: Disturbances = CALM


HEALTHY = Drawn()


def parse(text: str) -> Fault:
    """Read `KIND=RATE` or `KIND@PATHPART=RATE`.

    Raises:
        ValueError: The text is not of that form; the message says what is wrong and what there is.
    """
    target, equals, rate_text = text.rpartition("=")
    kind, _, path_part = target.partition("@")
    if not equals:
        raise ValueError(f"fault {text!r}: {EXPECTED}, kinds are {', '.join(KINDS)}")
    if kind not in KINDS:
        raise ValueError(f"fault {text!r}: unknown kind {kind!r}, known are {', '.join(KINDS)}")
    try:
        rate = float(rate_text)
    except ValueError:
        raise ValueError(f"fault {text!r}: the rate {rate_text!r} is not a number from 0 to 1") from None
    if not 0 <= rate <= 1:
        raise ValueError(f"fault {text!r}: the rate {rate_text!r} is not from 0 to 1")
    return Fault(kind, rate, path_part)


class Faults:
    """The faults that are switched on; they may be changed while requests are served.

    Args:
        texts: Faults as `KIND=RATE` or `KIND@PATHPART=RATE`.
        seed: The same seed and order of requests meet the same faults.

    Attributes:
        oversized_bytes: Size of the body of the fault `oversized`.
        drip_bytes: Bytes sent at a time by the fault `slow-drip`.
        drip_seconds: Pause between them, and between the bytes of `slow-head`.
        retry_after_seconds: What the faults with Retry-After ask for.
    """

    def __init__(self, *texts: str, seed: int = 1) -> None:
        self.oversized_bytes = 65 * 2**20
        self.drip_bytes = 16
        self.drip_seconds = 0.5
        self.retry_after_seconds = 1
        self._draws = Draws(seed, "faults")
        self._drawn = 0
        self._lock = threading.Lock()
        self._active = tuple(map(parse, texts))

    @property
    def active(self) -> tuple[Fault, ...]:
        """The faults that are switched on."""
        with self._lock:
            return self._active

    def set(self, *texts: str) -> None:
        """Switch on exactly these faults; if one of them is wrong, nothing changes."""
        faults = tuple(map(parse, texts))
        with self._lock:
            self._active = faults

    def clear(self) -> None:
        """Switch every fault off."""
        self.set()

    def draw(self, target: str) -> Drawn:
        """Decide what goes wrong with a request for *target*, its path and query."""
        with self._lock:
            if not self._active:
                return HEALTHY
            matching = [fault for fault in self._active if fault.path_part in target]
            hits = [fault.kind for fault in matching if fault.kind not in DOMAIN and self._happens(fault)]
        shares = {kind: max((fault.rate for fault in matching if fault.kind == kind), default=0.0) for kind in DOMAIN}
        return Drawn(
            transport=next((kind for kind in hits if kind in TRANSPORT), None),
            kinds=frozenset(hits),
            disturbances=Disturbances(
                runners_offline=shares["runners-offline"],
                seats_exhausted=shares["seats-exhausted"],
                sync_failed=shares["sync-failed"],
                replication_broken=shares["replication-broken"],
                server_maintenance=shares["server-maintenance"],
            ),
        )

    def _happens(self, fault: Fault) -> bool:
        self._drawn += 1
        return self._draws.fraction(self._drawn) < fault.rate
