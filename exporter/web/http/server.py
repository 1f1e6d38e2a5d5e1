"""The listening socket and the event loop behind it, which runs in a thread of its own."""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import structlog
import uvloop

from exporter.config.addresses import split_listen_address
from exporter.web.http.connection import Connection, Timeouts
from exporter.web.http.connections import Connections
from exporter.web.http.messages import Handler
from exporter.web.http.tls import Handshake
from exporter.web.protection.protection import LiveProtection

log = structlog.get_logger()

HEAD_SECONDS = 10
RESPONSE_SECONDS = 60
"""The time in which a client must have taken a response."""
CLOSE_SECONDS = 2
FINISH_SECONDS = 4
"""How long the end waits for responses that clients are still taking."""
STOP_SECONDS = 9
BACKLOG = 256
THREADS = 4
"""For what would hold up the loop: passwords, reloads, `collect[]`."""
FAILED_ACCEPT_SECONDS = 0.02
WARNING_SECONDS = 60
BROKEN_LISTENER = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK}
OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class WebServer:
    """Serves *handler* at *listen*, protected as *protection* has it.

    *on_failure* is called in the server's thread if it ends without `stop`.
    """

    def __init__(
        self,
        listen: str,
        handler: Handler,
        protection: LiveProtection | None = None,
        *,
        on_failure: Callable[[], None] = lambda: None,
        head_seconds: float = HEAD_SECONDS,
        response_seconds: float = RESPONSE_SECONDS,
    ) -> None:
        self.url = ""
        """Where a browser on this machine finds it, once it listens."""
        self._listen = listen
        self._handler = handler
        self._protection = protection or LiveProtection()
        self._on_failure = on_failure
        self._timeouts = Timeouts(head_seconds, response_seconds, CLOSE_SECONDS)
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self.connections = Connections()

    def start(self) -> None:
        """Listen and answer.

        Raises:
            OSError: the system refuses the address; the message names it.
        """
        self.listen()
        self.answer()

    def listen(self) -> None:
        """Bind the address; clients that connect wait for `answer`.

        Raises:
            OSError: the system refuses the address; the message names it.
        """
        try:
            self._listener = listening_socket(*bind_address(self._listen))
        except OSError as error:
            reason = (error.strerror or str(error)).partition(" (while")[0]
            raise OSError(error.errno, f"cannot listen at {self._listen}: {reason}") from None
        scheme = "https" if self._protection.is_tls else "http"
        self.url = f"{scheme}://{local_address(self._listener)}"

    def answer(self) -> None:
        """Answer in a thread of its own, from now on."""
        if self._listener is None:
            raise RuntimeError("answer() needs listen() first")
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._loop = runner.get_loop()
        self._thread = threading.Thread(target=self._run, args=(runner, self._listener), name="web", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish responses in flight and close."""
        if self._thread is None or self._loop is None:
            if self._listener is not None:
                self._listener.close()
            return
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(STOP_SECONDS)

    def _run(self, runner: asyncio.Runner, listener: socket.socket) -> None:
        try:
            with runner:
                runner.run(self._serve(listener))
        except Exception as error:
            log.critical("web server failed", error=type(error).__name__, exc_info=True)
        if not self._stop.is_set():
            self._on_failure()

    async def _serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(log_loop_error)
        loop.set_default_executor(ThreadPoolExecutor(THREADS, "web"))
        accepting = loop.create_task(self._accept(loop, listener))
        stopping = loop.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait({accepting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if accepting in done:
                accepting.result()
        finally:
            accepting.cancel()
            listener.close()
            await self.connections.finish(FINISH_SECONDS)

    async def _accept(self, loop: asyncio.AbstractEventLoop, listener: socket.socket) -> None:
        warned_at = -float(WARNING_SECONDS)
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
                await self._open(loop, accepted)
            except OSError as error:
                if error.errno in BROKEN_LISTENER:
                    raise
                if error.errno in OUT_OF_RESOURCES:
                    self.connections.abort_oldest()
                    if loop.time() - warned_at >= WARNING_SECONDS:
                        log.warning("cannot accept connections", reason=error.strerror)
                        warned_at = loop.time()
                await asyncio.sleep(FAILED_ACCEPT_SECONDS)

    async def _open(self, loop: asyncio.AbstractEventLoop, accepted: socket.socket) -> None:
        if not self.connections.make_room():
            accepted.close()
            return
        accepted.setblocking(False)
        if self._protection.is_tls:
            Handshake(
                accepted,
                self._protection,
                self.connections,
                self._connect,
                seconds=self._timeouts.head,
                close_seconds=self._timeouts.close,
            )
        else:
            await loop.connect_accepted_socket(lambda: self._connect(loop.time() + self._timeouts.head), accepted)

    def _connect(
        self, deadline: float, is_allowed: Callable[[asyncio.BaseTransport], bool] = lambda _: True
    ) -> Connection:
        return Connection(self._handler, self.connections, self._timeouts, deadline, is_allowed)


def log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what the loop caught; its texts may quote what clients sent."""
    del loop
    error = context.get("exception")
    if isinstance(error, OSError):
        log.debug("connection failed", error=type(error).__name__)
    else:
        log.error("web server error", error=type(error).__name__)


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind and listen; `::` takes IPv4 as well.

    Raises:
        OSError: the system refuses the address.
    """
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    both = host == "::" and socket.has_dualstack_ipv6()
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    listener.setblocking(False)
    return listener


def local_address(listener: socket.socket) -> str:
    """Host and port at which this machine reaches *listener*."""
    host, port = listener.getsockname()[:2]
    local = {"::": "127.0.0.1", "0.0.0.0": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"[{local}]:{port}" if ":" in local else f"{local}:{port}"


def bind_address(listen: str) -> tuple[str, int]:
    """Where to bind; every address means IPv6 and IPv4 where both exist."""
    host, port = split_listen_address(listen)
    if host:
        return host, port
    return ("::" if socket.has_dualstack_ipv6() else "0.0.0.0"), port  # noqa: S104
