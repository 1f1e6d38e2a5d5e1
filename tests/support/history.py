"""A Prometheus that knows days of the demo, written by scripts/backfill.py, and scrapes the demo as it is now."""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.support.tools import answers, eventually, free_port, process, tool

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "alerts" / "rules"
END = datetime(2025, 4, 4, 16, 0, tzinfo=UTC).timestamp()
"""A Friday in the second tenth of a month; four days earlier was another month."""

DAYS = 4.0
STEP = 4 * 3600.0
RECENT = 3600.0
RECENT_STEP = 180.0


def script(name: str) -> ModuleType:
    """The module that scripts/NAME.py is."""
    specification = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, **query: str | float) -> Any:
        """The data of an answer of its API; an error of a query is raised."""
        with urlopen(f"{self.url}/api/v1/{path}?{urlencode(query)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def instant(self, query: str, at: float) -> list[dict[str, Any]]:
        """The series of an instant query, or its number."""
        data = self.ask("query", query=query, time=at)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        found: list[dict[str, Any]] = data["result"]
        return found

    def range(self, query: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The series of a range query."""
        found: list[dict[str, Any]] = self.ask("query_range", query=query, start=start, end=end, step=step)["result"]
        return found


def blocks(history: Path, folder: Path) -> None:
    """Turn an OpenMetrics file into blocks of a time series database."""
    command = [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=720h"]
    subprocess.run([*command, str(history), str(folder)], check=True, capture_output=True)


def impatient_rules(folder: Path) -> list[str]:
    """The shipped rules, each firing immediately, as files in *folder*."""
    found = []
    for rules in sorted(RULES.glob("*.yaml")):
        file = folder / f"rules-{rules.name}"
        file.write_text(re.sub(r"\bfor: \w+", "for: 0s", rules.read_text()))
        found.append(str(file))
    return found


@contextmanager
def prometheus(folder: Path, targets: Sequence[str] = ()) -> Iterator[Prometheus]:
    """Prometheus over the blocks in *folder*, with the shipped rules, scraping *targets*."""
    program = tool("prometheus")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": impatient_rules(folder),
        "scrape_configs": [{"job_name": "ghe-exporter", "static_configs": [{"targets": list(targets)}]}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with process(
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder}",
        "--storage.tsdb.retention.time=50y",
        f"--query.lookback-delta={STEP:.0f}s",
        f"--web.listen-address={address}",
        "--log.level=error",
    ):
        eventually(lambda: answers(f"http://{address}/-/ready"), "Prometheus is ready")
        yield Prometheus(f"http://{address}")
