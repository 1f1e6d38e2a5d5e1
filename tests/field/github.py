"""A GitHub on a real socket that answers from data."""

import gzip
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

NOW = 1_795_000_000
"""What time it is in a case: 2026-11-18 11:06:40 UTC."""


@dataclass
class Request:
    """What was asked."""

    method: str
    target: str
    headers: Mapping[str, str]


@dataclass
class GitHub:
    """Answers by path and query; an answer that is a list is used up from the front, its last one stays."""

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Mapping[str, Any]:
        """The answer whose path is equal and whose query is the largest part of the one asked."""
        parts = urlsplit(request.target)
        asked = set(parse_qsl(parts.query))
        fitting = []
        for key in self.answers:
            method, _, target = key.rpartition(" ")
            path, _, query = target.partition("?")
            wanted = set(parse_qsl(query))
            if (method or "GET") == request.method and path == parts.path and wanted <= asked:
                fitting.append((len(wanted), key))
        with self.lock:
            self.requests.append(request)
            if not fitting:
                return {"status": 404, "body": {"message": "Not Found"}}
            found = self.answers[max(fitting)[1]]
            if isinstance(found, list):
                found = found.pop(0) if len(found) > 1 else found[0]
        result: Mapping[str, Any] = filled(found, {"api": self.url})
        return result


def filled(value: Any, names: Mapping[str, Any]) -> Any:
    """*value* with its lists written out and its $names replaced."""
    if isinstance(value, str):
        if value.startswith("$") and value[1:] in names:
            return names[value[1:]]
        value = re.sub(r"\$now([+-]\d+)?", lambda found: str(NOW + int(found[1] or 0)), value)
        value = re.sub(r"\$date([+-]\d+)?", lambda found: formatdate(NOW + int(found[1] or 0), usegmt=True), value)
        return re.sub(r"\$(\w+)", lambda found: str(names.get(found[1], found[0])), value)
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    if "$each" in value:
        first, last = value["$each"]
        return [filled(value["$give"], {**names, "n": number}) for number in range(first, last + 1)]
    return {key: filled(each, names) for key, each in value.items()}


class Handler(BaseHTTPRequestHandler):
    """Sends what the case says, be it HTTP or not."""

    protocol_version = "HTTP/1.1"
    github: GitHub

    def respond(self) -> None:
        """Answer one request."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.github.answer(Request(self.command, self.path, dict(self.headers.items())))
        self.close_connection = self.close_connection or bool(answer.keys() & {"cut", "hang_up", "old_http"})
        if answer.get("hang_up") == "before":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        headers = {str(name): str(value) for name, value in answer.get("headers", {}).items()}
        names = {name.lower() for name in headers}
        is_unchanged = "etag" in names and self.headers.get("If-None-Match") in {*headers.values()}
        status = 304 if is_unchanged else answer.get("status", 200)
        body = b"" if is_unchanged else framed(answer, headers)
        if not names & {"content-length"} | headers.keys() & {"Transfer-Encoding"} and "old_http" not in answer:
            headers["Content-Length"] = str(len(body))
        if "content-type" not in names:
            headers["Content-Type"] = "application/json; charset=utf-8"
        self.protocol_version = "HTTP/1.0" if "old_http" in answer else "HTTP/1.1"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: answer.get("cut")])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = respond  # noqa: N815 - the names the library wants

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


def framed(answer: Mapping[str, Any], headers: dict[str, str]) -> bytes:
    """The body, JSON or `text` as it stands, compressed and in chunks where the case wants that; *headers* say so."""
    text = answer["text"] if "text" in answer else json.dumps(answer.get("body", {}))
    body = bytes(text, "utf-8")
    if answer.get("gzip"):
        body = gzip.compress(body)
        headers["Content-Encoding"] = "gzip"
    if answer.get("chunked"):
        headers["Transfer-Encoding"] = "chunked"
        return b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return body


class Server(ThreadingHTTPServer):
    """A server of one address family."""

    daemon_threads = True

    def __init__(self, host: str, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextmanager
def github(host: str = "127.0.0.1") -> Iterator[GitHub]:
    """A GitHub that has no answers yet."""
    state = GitHub()
    server = Server(host, type("OfThisCase", (Handler,), {"github": state}))
    state.url = f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
