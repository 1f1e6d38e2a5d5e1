"""The examples for Prometheus: accepted by it, complete, and the agent really sends the exporter's series."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.deployment import check, flags, load, with_options
from tests.support.programs import ROOT
from tests.support.tools import eventually, free_port, process, running_demo, tool

FOLDER = Path("deploy/prometheus")
SCRAPE, AGENT = (load(FOLDER / name) for name in ("scrape.yaml", "agent.yaml"))


def unpacked(packed: bytes) -> bytes:
    """A block of Snappy, which remote write sends: a length, then literals and copies of what came before."""
    position = next(index for index, byte in enumerate(packed) if byte < 0x80) + 1
    out = bytearray()
    while position < len(packed):
        tag, kind = packed[position], packed[position] & 3
        position += 1
        if kind == 0:
            length, extra = (tag >> 2) + 1, max(0, (tag >> 2) - 59)
            if extra:
                length = int.from_bytes(packed[position : position + extra], "little") + 1
            out += packed[position + extra : position + extra + length]
            position += extra + length
            continue
        if kind == 1:
            length, offset, size = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | packed[position], 1
        else:
            size = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(packed[position : position + size], "little")
        position += size
        for _ in range(length):
            out.append(out[-offset])
    return bytes(out)


class Receiver(http.server.BaseHTTPRequestHandler):
    """An engine that takes everything and answers as one."""

    received: list[tuple[str, dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, dict(self.headers), unpacked(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[tuple[int, list[tuple[str, dict[str, str], bytes]]]]:
    """A receiver: its port and what it has got so far, as path, headers and body."""
    received: list[tuple[str, dict[str, str], bytes]] = []
    handler = type("Handler", (Receiver,), {"received": received})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, received
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("name", "options"), [("scrape.yaml", []), ("agent.yaml", ["--agent"])])
def test_promtool_accepts_the_example(name: str, options: list[str], tmp_path: Path) -> None:
    """Promtool accepts the example, and with the settings that it has as comments as well."""
    check("promtool", "check", "config", *options, str(FOLDER / name))
    (tmp_path / name).write_text(with_options(FOLDER / name), "utf-8")
    check("promtool", "check", "config", "--syntax-only", *options, str(tmp_path / name))


def test_scrape_job_has_the_name_and_port_that_rules_expect() -> None:
    """The job has the name that the rules and dashboards expect, the port is the exporter's, and rules are loaded."""
    (job,) = SCRAPE["scrape_configs"]
    assert (job["job_name"], job["static_configs"]) == ("ghe-exporter", [{"targets": ["127.0.0.1:10204"]}])
    assert SCRAPE["rule_files"]
    assert SCRAPE["alerting"]["alertmanagers"]


def test_agent_scrapes_what_the_server_scrapes() -> None:
    """The agent reads what the server would, evaluates nothing, and says which agent it is."""
    assert AGENT["scrape_configs"] == SCRAPE["scrape_configs"]
    assert not {"rule_files", "alerting"} & AGENT.keys()
    assert AGENT["global"]["external_labels"]
    assert {"config.file", "storage.agent.path"} <= flags("prometheus")


def test_agent_delivers_series_with_its_labels(tmp_path: Path) -> None:
    """A real agent with this file delivers the exporter's series, with its labels, as remote write has it."""
    settings = load(FOLDER / "agent.yaml")
    settings["global"]["scrape_interval"] = "1s"
    (write,) = settings["remote_write"]
    with running_demo() as demo, receiving() as (port, received):
        settings["scrape_configs"][0]["static_configs"][0]["targets"] = [demo.removeprefix("http://")]
        write["url"] = f"http://127.0.0.1:{port}/api/v1/push"
        file = tmp_path / "agent.yaml"
        file.write_text(yaml.safe_dump(settings), "utf-8")
        with process(
            tool("prometheus"),
            "--agent" if "agent" in flags("prometheus") else "--enable-feature=agent",
            f"--config.file={file}",
            f"--storage.agent.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{free_port()}",
            "--log.level=error",
        ):
            eventually(lambda: any(b"ghe_license_seats_consumed" in body for *_, body in received), "series arrive")
    path, headers, body = next(entry for entry in received if b"ghe_license_seats_consumed" in entry[2])
    assert path == "/api/v1/push"
    assert (headers["Content-Encoding"], headers["Content-Type"]) == ("snappy", "application/x-protobuf")
    for text in (b"octo-corp", b"ghe-exporter", b"agent-0", b"example"):
        assert text in body
    assert (ROOT / FOLDER / "agent.yaml").is_file()
