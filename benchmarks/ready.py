"""An event loop that answers every request with bytes that are ready: no Python server can be faster.

    python -m benchmarks.ready URL

It fetches both forms of the page at *URL* once, prints its own URL, and serves until standard input ends.
"""

import argparse
import asyncio
import sys
from typing import cast

import uvloop

from benchmarks.scraper import Client


class Ready(asyncio.Protocol):
    """Answers as soon as the end of a request is there, and looks at nothing but the word gzip."""

    def __init__(self, plain: bytes, compressed: bytes) -> None:
        self._plain, self._compressed = plain, compressed
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.WriteTransport", transport)  # that of uvloop is no subclass

    def data_received(self, data: bytes) -> None:
        """Answer; the requests of these benchmarks arrive whole."""
        if self._transport is not None and data.endswith(b"\r\n\r\n"):
            self._transport.write(self._compressed if b"gzip" in data else self._plain)


def answer(body: bytes) -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


async def serve(plain: bytes, compressed: bytes) -> None:
    """Serve both until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Ready(answer(plain), answer(compressed)), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve what the command line names."""
    parser = argparse.ArgumentParser(description="Serve ready bytes for a benchmark.")
    parser.add_argument("url")
    url = parser.parse_args().url
    plain, compressed = (Client(url, gzip=gzip).body() for gzip in (False, True))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(plain, compressed))


if __name__ == "__main__":
    main()
