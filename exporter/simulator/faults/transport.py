"""Faults of the transport and of HTTP: answers replaced or damaged on their way."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from types import MappingProxyType
from typing import Protocol

from exporter.simulator.api.bodies import Body
from exporter.simulator.api.http_types import JSON_TYPE, Response
from exporter.simulator.api.refusals import LIMITS, PRIMARY_LIMIT, REFUSALS, SECONDARY_LIMIT, ErrorAnswer
from exporter.simulator.faults.kinds import Faults
from exporter.simulator.faults.text import TEXTS

FOREIGN = "http://127.0.0.2:9"
"""Another host, where nothing listens: a client that follows has sent its token away."""

REDIRECTED = "redirected=1"
LOGIN = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>Password</form></body></html>"
PADDING = b" " * 65_536
DRIPPING_HEAD = b"HTTP/1.1 200 OK\r\nX-Drip: "
OTHER_PROTOCOL = b"SSH-2.0-octo\r\n"
HEADERS = 200
PATIENCE = 0.1
"""How often a request that is never answered looks whether anybody still waits, in seconds."""


class Wire(Protocol):
    """The connection below one request."""

    def close_after(self) -> None:
        """Close the connection when the answer is sent."""
        ...

    def send(self, data: bytes) -> bool:
        """Send *data* as it is; return whether the client still listens."""
        ...

    def reset(self) -> None:
        """Break the connection off immediately."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait, and return whether the server stops."""
        ...

    def abandoned(self) -> bool:
        """Return whether the client has hung up."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that something happens to.

    Attributes:
        proper: Gives the answer there would be without the fault, whole and not compressed.
        origin: Scheme, host and port that were asked.
        target: Path and query as they were sent.
        wire: The connection.
        faults: Sizes and times of the faults.
    """

    proper: Callable[[], Response]
    origin: str
    target: str
    wire: Wire
    faults: Faults


Break = Callable[[Attempt], Response]


def _page(status: int, text: str) -> Response:
    return Response(status, (("Content-Type", "text/html; charset=utf-8"),), text.encode())


def _server_error(status: int, _: Attempt) -> Response:
    return _page(status, f"<html><body><h1>{status} {HTTPStatus(status).phrase}</h1><p>Unicorn!</p></body></html>")


def _html(_: Attempt) -> Response:
    return _page(200, LOGIN)


def _empty(_: Attempt) -> Response:
    return Response(200, (("Content-Type", JSON_TYPE),))


def _refused(refusal: ErrorAnswer, _: Attempt) -> Response:
    return refusal.response()


def _limited(status: int, message: str, attempt: Attempt) -> Response:
    refused = ErrorAnswer(status, message, documentation_url=LIMITS).response()
    quota = (header for header in attempt.proper().headers if header[0].startswith("X-RateLimit-"))
    return refused.with_headers(*quota)


def _rate_limit_primary(attempt: Attempt) -> Response:
    limited = _limited(403, PRIMARY_LIMIT, attempt)
    return limited.with_headers(
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Used", limited.header("X-RateLimit-Limit") or "0"),
    )


def _with_retry_after(limited: Break, attempt: Attempt) -> Response:
    return limited(attempt).with_headers(("Retry-After", str(attempt.faults.retry_after_seconds)))


def _slow_head(attempt: Attempt) -> Response:
    listens = attempt.wire.send(DRIPPING_HEAD)
    while listens and not attempt.wire.wait(attempt.faults.drip_seconds):
        listens = attempt.wire.send(b"x")
    attempt.wire.reset()
    return Response(503)


def _not_http(attempt: Attempt) -> Response:
    attempt.wire.send(OTHER_PROTOCOL)
    attempt.wire.reset()
    return Response(503)


def _many_headers(attempt: Attempt) -> Response:
    return attempt.proper().with_headers(*((f"X-Octo-{number}", "octo") for number in range(HEADERS)))


def _truncated(attempt: Attempt) -> Response:
    proper = attempt.proper()
    attempt.wire.close_after()
    return _streamed(proper, iter([proper.body[: len(proper.body) // 2]]), length=len(proper.body) + 1)


def _reset(attempt: Attempt) -> Response:
    proper = attempt.proper()

    def stream() -> Iterator[bytes]:
        yield proper.body[: len(proper.body) // 2]
        attempt.wire.reset()

    return _streamed(proper, stream(), length=len(proper.body) + 1)


def _hang(attempt: Attempt) -> Response:
    while not attempt.wire.wait(PATIENCE) and not attempt.wire.abandoned():
        pass
    attempt.wire.reset()
    return Response(503)


def _slow_drip(attempt: Attempt) -> Response:
    proper = attempt.proper()
    size = attempt.faults.drip_bytes

    def stream() -> Iterator[bytes]:
        for start in range(0, len(proper.body), size):
            yield proper.body[start : start + size]
            if attempt.wire.wait(attempt.faults.drip_seconds):
                attempt.wire.reset()
                return

    return _streamed(proper, stream(), length=len(proper.body))


def _bad_gzip(attempt: Attempt) -> Response:
    proper = attempt.proper()
    packed = gzip.compress(proper.body, mtime=0)
    middle = len(packed) // 2
    damaged = packed[:middle] + bytes(255 - byte for byte in packed[middle:])
    return replace(proper, body=damaged).with_headers(("Content-Encoding", "gzip"))


def _oversized(attempt: Attempt) -> Response:
    proper = attempt.proper()

    def stream() -> Iterator[bytes]:
        # White space before a value is legal, so only the size is wrong.
        for _ in range(attempt.faults.oversized_bytes // len(PADDING) + 1):
            yield PADDING
        yield proper.body

    return _streamed(proper, stream())


def _gzip_bomb(attempt: Attempt) -> Response:
    proper = attempt.proper()
    padding = PADDING * (attempt.faults.oversized_bytes // len(PADDING) + 1)
    bomb = gzip.compress(padding + proper.body, mtime=0)
    return replace(proper, body=bomb).with_headers(("Content-Encoding", "gzip"))


def _rewritten(rewrite: Callable[[bytes], bytes], attempt: Attempt) -> Response:
    proper = attempt.proper()
    body = Body(rewrite(proper.body), None)
    return replace(proper, body=body.content).with_headers(("ETag", body.etag))


def _wrong_content_type(attempt: Attempt) -> Response:
    return attempt.proper().with_headers(("Content-Type", "text/plain; charset=utf-8"))


def _malformed_json(attempt: Attempt) -> Response:
    proper = attempt.proper()
    return replace(proper, body=proper.body[:-1] + b',"')


def _redirect(attempt: Attempt) -> Response:
    if REDIRECTED in attempt.target:
        return attempt.proper()
    joint = "&" if "?" in attempt.target else "?"
    return _found(f"{attempt.origin}{attempt.target}{joint}{REDIRECTED}")


def _redirect_loop(attempt: Attempt) -> Response:
    return _found(f"{attempt.origin}{attempt.target}")


def _foreign_redirect(attempt: Attempt) -> Response:
    return _found(f"{FOREIGN}{attempt.target}")


def _nowhere_redirect(_: Attempt) -> Response:
    return _found("http://[octo")


def _found(location: str) -> Response:
    return Response(302, (("Content-Type", JSON_TYPE), ("Location", location)), b"{}")


def _streamed(response: Response, stream: Iterator[bytes], *, length: int | None = None) -> Response:
    headers = response.headers if length is None else (*response.headers, ("Content-Length", str(length)))
    return replace(response, headers=headers, stream=stream)


BREAKS: Mapping[str, Break] = MappingProxyType(
    {
        "http-500": partial(_server_error, 500),
        "http-502": partial(_server_error, 502),
        "http-503": partial(_server_error, 503),
        "http-504": partial(_server_error, 504),
        "html": _html,
        "empty": _empty,
        "truncated": _truncated,
        "reset": _reset,
        "hang": _hang,
        "slow-drip": _slow_drip,
        "slow-head": _slow_head,
        "many-headers": _many_headers,
        "not-http": _not_http,
        "bad-gzip": _bad_gzip,
        "gzip-bomb": _gzip_bomb,
        "oversized": _oversized,
        "wrong-content-type": _wrong_content_type,
        "malformed-json": _malformed_json,
        "rate-limit-primary": _rate_limit_primary,
        "rate-limit-secondary": partial(_limited, 403, SECONDARY_LIMIT),
        "rate-limit-primary-retry-after": partial(_with_retry_after, _rate_limit_primary),
        "rate-limit-secondary-retry-after": partial(_with_retry_after, partial(_limited, 403, SECONDARY_LIMIT)),
        "retry-after": partial(_with_retry_after, partial(_limited, 429, SECONDARY_LIMIT)),
        **{kind: partial(_refused, refusal) for kind, refusal in REFUSALS.items()},
        "redirect": _redirect,
        "redirect-loop": _redirect_loop,
        "foreign-redirect": _foreign_redirect,
        "nowhere-redirect": _nowhere_redirect,
        **{kind: partial(_rewritten, rewrite) for kind, rewrite in TEXTS.items()},
    }
)
"""How each kind breaks an answer."""
