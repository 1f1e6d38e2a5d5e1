"""One connection: h11 reads the requests, a timer bounds each state, responses go out as the client takes them."""

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol, cast
from urllib.parse import unquote, urlsplit

import h11
import structlog

from exporter.web.http.messages import Handler, Request, Response, text

log = structlog.get_logger()

MAX_HEAD_BYTES = 16_384
HTTP_VERSIONS = (b"1.0", b"1.1")
READ_BYTES = 16_384
TLS_WRITE_BYTES = 262_144
"""What is encrypted of a response before the kernel has taken what was encrypted before.

Without TLS the transport gets the whole response: uvloop refers to the bytes, which all clients share, and sends them
without the interpreter's lock, for which a scrape would wait after each portion while collectors compute.
"""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with a time of zero: the kernel drops what it still holds for the client."""


class Registry(Protocol):
    """Keeps track of the connections."""

    def wait(self, connection: "Connection") -> None:
        """Note that it waits for its client from now on."""
        ...

    def answer(self, connection: "Connection") -> None:
        """Note that it is being answered."""
        ...

    def discard(self, connection: "Connection") -> None:
        """Count it no more."""
        ...

    @property
    def is_stopping(self) -> bool:
        """Whether connections end with the response they are in."""
        ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each state of a connection."""

    head: float
    """From the start of the connection, or from the last response, until a request is complete."""
    response: float
    """From a complete request until the client has taken the response."""
    close: float
    """For the client to close, once it has been sent everything."""


class Connection(asyncio.BufferedProtocol):
    """Answers the requests of one client, one after the other.

    *deadline* is the time of the loop by which the first request must be complete; *is_allowed* judges the transport
    once its TLS handshake is through.
    """

    def __init__(
        self,
        handler: Handler,
        registry: Registry,
        timeouts: Timeouts,
        deadline: float,
        is_allowed: Callable[[asyncio.BaseTransport], bool] = lambda _: True,
    ) -> None:
        self._handler = handler
        self._registry = registry
        self._timeouts = timeouts
        self._deadline = deadline
        self._is_allowed = is_allowed
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._unsent: Iterator[Sequence[bytes | memoryview]] | None = None
        self._is_answering = False
        self._is_closing = False
        self._has_room = True
        self._client_has_finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        # Pause whenever the kernel has not taken everything.
        self._transport.set_write_buffer_limits(high=1, low=0)
        self._registry.wait(self)
        self._set_timer(max(0.0, self._deadline - self._loop.time()), self.close)
        if not self._is_allowed(transport):
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release everything but the handler: what it waits for, a password for instance, is computed to its end."""
        del exc
        self._registry.discard(self)
        self._is_closing = True
        self._unsent = None
        if self._timer is not None:
            self._timer.cancel()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take what the client sent; what comes after the last response is read and dropped."""
        if self._is_closing:
            return
        self._http.receive_data(bytes(self._buffer[:nbytes]))
        if self._is_answering:
            # The next request waits in the socket until this one is answered.
            self._transport.pause_reading()
        else:
            self._next_request()

    def eof_received(self) -> bool:
        """Close, unless the client still takes a response; over TLS the transport decides."""
        self._client_has_finished = True
        return self._is_answering and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """Stop sending: the client does not take it."""
        self._has_room = False

    def resume_writing(self) -> None:
        """Continue sending."""
        self._has_room = True
        self._send_on()

    def close(self) -> None:
        """Close once everything is sent."""
        if not self._is_closing:
            self._is_closing = True
            self._set_timer(self._timeouts.close, self.abort)
            self._transport.close()

    def abort(self) -> None:
        """Close now, and let neither this process nor the kernel keep what the client has not taken."""
        if self._is_answering or self._is_closing:
            connection = self._transport.get_extra_info("socket")
            with suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._is_closing = True
        self._transport.abort()

    def _next_request(self) -> None:
        method = "GET"
        try:
            event = self._http.next_event()
            if isinstance(event, h11.Request):
                method = event.method.decode("ascii")
                request = read_request(event)
                self._http.next_event()  # the end of a request without a body
                self._answer(request)
                return
        except h11.RemoteProtocolError as error:
            self._begin_answer()
            self._send(method, refusal(error.error_status_hint))  # to HEAD without a body, or h11 refuses to send it
            return
        if self._client_has_finished or event is not h11.NEED_DATA:
            self.close()

    def _begin_answer(self) -> None:
        self._is_answering = True
        self._registry.answer(self)
        self._set_timer(self._timeouts.response, self.abort)

    def _answer(self, request: Request) -> None:
        self._begin_answer()
        self._task = self._loop.create_task(self._handle(request))

    async def _handle(self, request: Request) -> None:
        try:
            response = await self._handler(request)
        except Exception as error:  # noqa: BLE001 - a mistake in one page must not end the server
            # Not the error's text, which may quote what it was working on.
            frame = error.__traceback__
            while frame is not None and frame.tb_next is not None:
                frame = frame.tb_next
            where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame else ""
            log.error("request failed", error=type(error).__name__, where=where)  # noqa: TRY400
            response = text(HTTPStatus.INTERNAL_SERVER_ERROR, "internal error")
        self._task = None
        if not self._is_closing:
            self._send(request.method, response)

    def _send(self, method: str, response: Response) -> None:
        body = response.body if method != "HEAD" else ()
        headers = [
            *response.headers,
            ("Content-Length", str(sum(map(len, response.body)))),
            ("Date", formatdate(usegmt=True)),
            ("Server", "ghe-exporter"),
        ]
        if self._registry.is_stopping or self._http.their_state is not h11.DONE:
            headers.append(("Connection", "close"))
        head = h11.Response(status_code=response.status, headers=headers, reason=response.status.phrase)
        wire = [self._http.send(head) or b""]
        for piece in body:
            wire += self._http.send_with_data_passthrough(h11.Data(data=piece)) or ()
        self._http.send(h11.EndOfMessage())
        is_copied = self._transport.get_extra_info("sslcontext") is not None
        self._unsent = iter([wire]) if not is_copied else portions(wire)
        self._send_on()

    def _send_on(self) -> None:
        while self._unsent is not None and self._has_room:
            portion = next(self._unsent, None)
            if portion is not None:
                self._transport.writelines(portion)
                continue
            self._unsent = None
            self._response_sent()

    def _response_sent(self) -> None:
        self._is_answering = False
        self._transport.resume_reading()
        if self._http.our_state is h11.MUST_CLOSE:
            self._close_gently()
            return
        self._http.start_next_cycle()
        if self._registry.is_stopping:
            self.close()
            return
        self._registry.wait(self)
        self._set_timer(self._timeouts.head, self.close)
        self._next_request()

    def _close_gently(self) -> None:
        """Wait for the client to close: closing with unread bytes resets the connection and loses the response."""
        if not self._transport.can_write_eof():
            self.close()
            return
        self._is_closing = True
        self._registry.wait(self)
        self._set_timer(self._timeouts.close, self.abort)
        self._transport.write_eof()

    def _set_timer(self, seconds: float, then: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, then)


def read_request(event: h11.Request) -> Request:
    """What a handler needs of a request.

    Raises:
        h11.RemoteProtocolError: its version is unknown, its head is too large, it has a body, or its target cannot be
            parsed.
    """
    if event.http_version not in HTTP_VERSIONS:  # h11 takes any digits
        raise h11.RemoteProtocolError("version", error_status_hint=HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if len(event.target) + sum(len(name) + len(value) + 4 for name, value in event.headers) > MAX_HEAD_BYTES:
        raise h11.RemoteProtocolError("head", error_status_hint=HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    headers: dict[str, str] = {}
    for raw_name, raw_value in event.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if "transfer-encoding" in headers or int(headers.get("content-length", "0")):
        raise h11.RemoteProtocolError("body", error_status_hint=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    target = event.target.decode("ascii")
    if not target.startswith("/"):
        try:
            parts = urlsplit(target)
        except ValueError:
            raise h11.RemoteProtocolError("target") from None
        target = f"{parts.path or '/'}?{parts.query}" if parts.scheme else target
    path, _, query = target.partition("?")
    return Request(event.method.decode("ascii"), unquote(path, "latin-1"), query, headers)


def refusal(status: int) -> Response:
    """The response to an unacceptable request; it repeats nothing of the request."""
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return text(HTTPStatus(status), "no request here has a body")
    return text(HTTPStatus(status), HTTPStatus(status).phrase.lower())


def portions(pieces: Sequence[bytes]) -> Iterator[Sequence[memoryview]]:
    """Cut *pieces* into portions for a transport that makes copies of them."""
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), TLS_WRITE_BYTES):
            yield [view[start : start + TLS_WRITE_BYTES]]
