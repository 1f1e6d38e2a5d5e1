"""Where alerts end in tests: a receiver of Alertmanager's webhooks that remembers them and can be waited for."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.tools import PATIENCE_SECONDS


@dataclass(frozen=True, slots=True)
class Page:
    """One alert as a receiver got it."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def subject(self) -> tuple[str, str]:
        """Which alert, about which enterprise."""
        return self.labels["alertname"], self.labels.get("enterprise", "")


class Webhook:
    """Every page so far, in the order of arrival."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._arrived = threading.Condition()
        self.port = 0

    @property
    def pages(self) -> list[Page]:
        """What has arrived."""
        with self._arrived:
            return list(self._pages)

    def put(self, pages: list[Page]) -> None:
        """Take *pages* in."""
        with self._arrived:
            self._pages += pages
            self._arrived.notify_all()

    def wait(self, enough: Callable[[list[Page]], bool], what: str) -> list[Page]:
        """What has arrived as soon as that is *enough*."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: enough(self._pages), PATIENCE_SECONDS):
                pytest.fail(f"{what}: not within {PATIENCE_SECONDS:.0f} s, only {self._pages}")
            return list(self._pages)


def pages(receiver: str, message: dict[str, Any]) -> list[Page]:
    """The alerts of one message of Alertmanager."""
    return [
        Page(receiver, alert["status"], alert["labels"], alert.get("annotations", {})) for alert in message["alerts"]
    ]


@contextmanager
def listening() -> Iterator[Webhook]:
    """A webhook on a free port; the last part of the path says whose it is."""
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.put(pages(self.path.removeprefix("/"), json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        webhook.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield webhook
        finally:
            server.shutdown()
            thread.join()
