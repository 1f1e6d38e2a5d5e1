"""The committed dashboards as Grafana reads them: panels, targets, and queries with their variables filled in."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"
BOARDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in FOLDER.glob("*.json")}
MAX_POINTS = 1000
RATE_INTERVAL_SCRAPES = 4
_VARIABLE = re.compile(r"\$\{?([a-z_]\w*)\}?")


@dataclass(frozen=True, slots=True)
class Span:
    """The time that a dashboard shows, and how often its data source is said to scrape; in seconds."""

    start: float
    end: float
    scrape_interval: float

    def step(self, points: int = MAX_POINTS) -> float:
        """Time between two points of a panel that has room for so many."""
        return max(self.scrape_interval, (self.end - self.start) / points)

    def variables(self, step: float) -> dict[str, str]:
        """What Grafana itself defines."""
        rate = max(step + self.scrape_interval, RATE_INTERVAL_SCRAPES * self.scrape_interval)
        named = {"__interval": step, "__range": self.end - self.start, "__rate_interval": rate}
        return {name: f"{int(seconds)}s" for name, seconds in named.items()}


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Panels without the rows between them."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def variables(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Variables by name."""
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def choices(board: Mapping[str, Any], **chosen: str) -> dict[str, str]:
    """What each query variable stands for: All as its regular expression, or the one value *chosen*."""
    return {name: each["allValue"] for name, each in variables(board).items() if each["type"] == "query"} | chosen


def filled(text: str, values: Mapping[str, str]) -> str:
    """*text* with its variables replaced."""
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def expressions(board: Mapping[str, Any]) -> Iterator[str]:
    """Every query of panels and annotations, as written."""
    for panel in panels(board):
        yield from (target["expr"] for target in panel["targets"])
    yield from (annotation["target"]["expr"] for annotation in board["annotations"]["list"])
