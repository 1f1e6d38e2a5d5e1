"""A process that serves `/metrics`: the exporter's own web server, or prometheus_client's handler over the same data.

Prints its URL. The exporter's takes lines on standard input: the seconds between publications of each enterprise,
`0` for one after the other without a pause, or `idle`; it answers with the number of publications so far.
"""

import argparse
import sys
import threading
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, start_http_server

from benchmarks import measure
from benchmarks.fleet import ENTERPRISES, SameData, exporter, fleet, per_enterprise, publish
from exporter.app import Exporter
from exporter.collectors import runners
from exporter.commands.serve import shorten_pauses
from exporter.web.http.server import WebServer

WAIT_SECONDS = 3600.0


@dataclass
class Publishers:
    """A thread per enterprise that publishes again and again."""

    exporter: Exporter
    fleet: runners.Fleet
    pause: float | None = None
    published: int = 0
    busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    changed: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start the threads; they wait until a pause is given."""
        for number, enterprise in enumerate(ENTERPRISES):
            threading.Thread(target=self._publish, args=(enterprise, number), daemon=True).start()

    def set(self, pause: float | None) -> None:
        """Publish with *pause* between, or not at all."""
        self.pause = pause
        changed, self.changed = self.changed, threading.Event()
        changed.set()

    def rest(self) -> None:
        """Publish no more, and wait until nothing is under way."""
        self.set(None)
        measure.wait_until(lambda: not self.busy, measure.STOP_SECONDS)

    def _publish(self, enterprise: str, number: int) -> None:
        while True:
            changed, pause = self.changed, self.pause
            if pause is None:
                changed.wait(WAIT_SECONDS)
                continue
            if changed.wait(pause * number / len(ENTERPRISES)):  # not all at the same moment
                continue
            while not changed.is_set():
                with self.lock:
                    self.busy += 1
                publish(self.exporter, enterprise, self.fleet)
                with self.lock:
                    self.busy -= 1
                    self.published += 1
                if pause:
                    changed.wait(pause)


def serve_exporter(series: int) -> None:
    """Serve what is published until standard input ends."""
    made = exporter(series)
    fleet_of_each = fleet(per_enterprise(series))
    for enterprise in ENTERPRISES:
        publish(made, enterprise, fleet_of_each)
    publishers = Publishers(made, fleet_of_each)
    publishers.start()
    shorten_pauses()
    server = WebServer("127.0.0.1:0", made.application())
    server.start()
    print(f"{server.url}/metrics", flush=True)
    for line in sys.stdin:
        if line.strip() == "idle":
            publishers.rest()
        else:
            publishers.set(float(line))
        print(publishers.published, flush=True)
    server.stop()


def serve_reference(series: int) -> None:
    """Serve the same by prometheus_client until standard input ends."""
    registry = CollectorRegistry()
    registry.register(SameData(series))
    server, _ = start_http_server(0, "127.0.0.1", registry)
    print(f"http://127.0.0.1:{server.server_port}/metrics", flush=True)
    sys.stdin.read()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description="Serve /metrics for a benchmark.")
    parser.add_argument("side", choices=("exporter", "reference"))
    parser.add_argument("--series", type=int, required=True)
    chosen = parser.parse_args()
    (serve_exporter if chosen.side == "exporter" else serve_reference)(chosen.series)


if __name__ == "__main__":
    main()
