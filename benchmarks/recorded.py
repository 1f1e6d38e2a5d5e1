"""A process that is the simulated GitHub and keeps record of what it was asked and how it answered.

Prints a line of JSON: its URL, how many runners there are, and how many names these have. To each line on standard
input it answers with one of JSON: path, status, how often.

Its enterprise answers below /api/v3 as well, where clients look that take every host but api.* for a GitHub Enterprise
Server. Some runners share a name, which GitHub allows. The companies stand still.
"""

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from benchmarks.simulated import ENTERPRISE, NO_LIMIT
from exporter.simulator.api.application import Api, StartResponse
from exporter.simulator.api.call import SERVER_PREFIX
from exporter.simulator.api.http_types import Header
from exporter.simulator.api.quota import Quotas
from exporter.simulator.company.estate import Estate
from exporter.simulator.faults.kinds import Faults
from exporter.simulator.server import Server

ROOT = f"/enterprises/{ENTERPRISE}/"
RUNNERS = f"{ROOT}actions/runners"


class Recorded(NamedTuple):
    """What the simulated enterprise is."""

    url: str
    runners: int
    names: int


def shared_name(runner: dict[str, Any], pairs: int) -> str:
    """The name of *runner*: the first two share one, the next two, and so on; after *pairs* of them, its own."""
    number: int = runner["id"]
    return f"octo-shared-{(number + 1) // 2}" if number <= 2 * pairs else str(runner["name"])


class Recorder:
    """A WSGI application around another."""

    def __init__(self, api: Api, pairs: int) -> None:
        self._api = api
        self._pairs = pairs
        self._lock = threading.Lock()
        self._answers: Counter[tuple[str, int]] = Counter()

    def __call__(self, environment: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = environment["PATH_INFO"]
        if path.startswith(f"{SERVER_PREFIX}{ROOT}"):
            path = path.removeprefix(SERVER_PREFIX)
        plain = {"HTTP_ACCEPT_ENCODING": "identity"} if path == RUNNERS else {}
        head: list[tuple[str, list[Header]]] = []
        answer = self._api(
            {**environment, "PATH_INFO": path, **plain}, lambda status, headers: head.append((status, headers))
        )
        body = b"".join(answer)
        status, headers = head[0]
        code = int(status.split()[0])
        with self._lock:
            self._answers[path, code] += 1
        if path == RUNNERS and code == 200:
            body = self._renamed(body)
            headers = [(name, value) for name, value in headers if name != "Content-Length"]
            headers.append(("Content-Length", str(len(body))))
        start_response(status, headers)
        return [body]

    def answers(self) -> list[tuple[str, int, int]]:
        """Path, status, how often."""
        with self._lock:
            return [(path, status, count) for (path, status), count in self._answers.items()]

    def _renamed(self, body: bytes) -> bytes:
        page = json.loads(body)
        for runner in page["runners"]:
            runner["name"] = shared_name(runner, self._pairs)
        return json.dumps(page).encode()


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="Serve a simulated GitHub that keeps record.")
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--runners", type=int, required=True)
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--latency", type=float, required=True)
    chosen = parser.parse_args()
    at = time.time()
    estate = Estate(users=chosen.users, runners=chosen.runners)
    enterprise = estate.enterprise(ENTERPRISE)
    assert enterprise is not None
    at_once = enterprise.fleet.runners(at, enterprise.fleet.span(at))
    names = {shared_name(runner, chosen.pairs) for runner in at_once}
    api = Api(estate, Faults(), Quotas(NO_LIMIT), now=lambda: at, latency=chosen.latency, stopping=threading.Event())
    recorder = Recorder(api, chosen.pairs)
    server = Server(("127.0.0.1", 0), recorder, threading.Event())
    url = f"http://127.0.0.1:{server.server_address[1]}"
    print(json.dumps(Recorded(url, len(at_once), len(names))._asdict()), flush=True)
    for _ in sys.stdin:
        print(json.dumps(recorder.answers()), flush=True)


if __name__ == "__main__":
    main()
