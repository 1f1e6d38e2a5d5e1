"""How a case runs that is about GitHub or about a command."""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from exporter import logs
from exporter.app import Exporter
from exporter.collectors import COLLECTORS
from exporter.config import loading
from tests.field.github import NOW, GitHub, filled, github
from tests.support.harness import read_all
from tests.support.tools import PATIENCE_SECONDS
from tests.support.web_server import get

TOKEN = "ghp_FieldCanary0123456789abcdefghijklmno12"
CANARY = "FieldCanary"
"""Is part of every secret of a case and must never be seen again."""


class FieldClock:
    """A clock that jumps when somebody waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0.0

    def time(self) -> float:
        """Unix time."""
        return NOW + self._now

    def monotonic(self) -> float:
        """Seconds since the case began."""
        return self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let *seconds* pass."""
        with self._lock:
            self._now += seconds
        return event.is_set()


Runs = Callable[[list[str], Mapping[str, str]], tuple[int, str]]
"""Runs a command with these arguments and variables; returns its exit code and all that it printed."""


@dataclass
class Seen:
    """What came of one step."""

    metrics: str = ""
    openmetrics: str = ""
    status_page: str = ""
    requests: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    out: str = ""
    code: int | None = None

    @property
    def everything(self) -> str:
        """All texts that a person may see."""
        return self.metrics + self.status_page + self.out


def settings_of(case: Mapping[str, Any], api: str, folder: Path) -> dict[str, Any]:
    """The settings file of a case: one enterprise `acme` and the collectors it names, where it does not say more."""
    wanted = case.get("collectors", {})
    wanted = wanted if isinstance(wanted, dict) else {name: {} for name in wanted}
    enterprise = {"slug": "acme", "api_url": "$api", "auth": {"token_file": "$folder/token"}}
    said = {
        "enterprises": [enterprise | case.get("enterprise", {})],
        "collectors": {
            collector.name: {"enabled": True, **wanted[collector.name]}
            if collector.name in wanted
            else {"enabled": False}
            for collector in COLLECTORS
        },
        **case.get("settings", {}),
    }
    result: dict[str, Any] = filled(said, {"api": api, "folder": str(folder), "host_port": urlsplit(api).netloc})
    return result


def furnish(folder: Path, case: Mapping[str, Any]) -> None:
    """Write the files of a case, the usual secrets among them."""
    (folder / "token").write_text(TOKEN)
    (folder / "app.pem").write_bytes(private_key())
    for name, content in case.get("files", {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict) and "link" in content:
            path.symlink_to(content["link"])
        elif isinstance(content, dict) and content.get("pipe"):
            os.mkfifo(path)
        elif isinstance(content, dict):
            path.write_bytes(bytes.fromhex(content["hex"]))
        else:
            path.write_text(content, encoding="utf-8")


@cache
def private_key() -> bytes:
    """A key for a GitHub App."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def collected(case: Mapping[str, Any], folder: Path) -> Iterator[tuple[Mapping[str, Any], Seen]]:
    """Collect once for each step and say what was seen then."""
    steps = case.get("steps") or [{"expect": case["expect"]}]
    with github(case.get("host", "127.0.0.1")) as state:
        state.answers = dict(case.get("answers", {}))
        path = folder / "config.yaml"
        api = state.url + case.get("api_path", "")
        path.write_text(yaml.safe_dump(settings_of(case, api, folder)), encoding="utf-8")
        clock = FieldClock()
        exporter = Exporter(clock=clock, randomness=random.Random(1), process_metrics=False)
        settings = loading.load(path)
        logs.configure(settings.log_level, settings.log_format)
        exporter.apply(settings)
        try:
            for step in steps:
                clock.wait(threading.Event(), step.get("after", 0))
                state.answers.update(step.get("answers", {}))
                for name, content in step.get("files", {}).items():
                    (folder / name).write_text(content, encoding="utf-8")
                state.requests.clear()
                for collection in list(exporter.collections.values()):
                    read_all(collection)
                    collection.expire()
                yield step["expect"], seen(exporter, state)
        finally:
            exporter.stop()


def seen(exporter: Exporter, state: GitHub) -> Seen:
    """What the exporter shows and what the GitHub was asked."""
    text, openmetrics = (
        b"".join(exporter.exposition.page(openmetrics=kind).plain(exporter.telemetry.chunks(openmetrics=kind))).decode()
        for kind in (False, True)
    )
    return Seen(
        metrics=text,
        openmetrics=openmetrics,
        status_page=b"".join(get(exporter.application(), "/").body).decode(),
        requests=[f"{request.method} {request.target}" for request in state.requests],
        headers=[request.headers for request in state.requests],
    )


def families(text: str, *, openmetrics: bool = False) -> dict[str, float]:
    """Every series of *text* as Prometheus reads it, by its line without the value."""
    parse = openmetrics_families if openmetrics else text_families
    found: dict[str, float] = {}
    for family in parse(text):
        for sample in family.samples:
            labels = ",".join(
                f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in sorted(sample.labels.items())
            )
            series = f"{sample.name}{{{labels}}}" if labels else sample.name
            assert series not in found, f"exposed twice: {series}"
            found[series] = sample.value
    return found


def commanded(case: Mapping[str, Any], folder: Path, run: Runs) -> Seen:
    """Run one command to its end, by *run* if in this process, against a GitHub where the case has answers."""
    with github(case.get("host", "127.0.0.1")) as state:
        state.answers = dict(case.get("answers", {}))
        names = {"api": state.url + case.get("api_path", ""), "folder": str(folder)}
        arguments = list(filled(case["command"], names))
        if "settings_text" in case:
            (folder / "config.yaml").write_text(filled(case["settings_text"], names), encoding="utf-8")
            arguments += ["--config", "config.yaml"]
        elif "settings" in case or "collectors" in case or "enterprise" in case:
            text = yaml.safe_dump(settings_of(case, names["api"], folder))
            (folder / "config.yaml").write_text(text, encoding="utf-8")
            arguments += ["--config", "config.yaml"]
        variables = filled(case.get("environment", {}), names)
        code, out = separately(arguments, folder, variables) if case.get("process") else run(arguments, variables)
        return Seen(
            out=out,
            code=code,
            requests=[f"{request.method} {request.target}" for request in state.requests],
            headers=[request.headers for request in state.requests],
        )


def separately(arguments: list[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a command as a process of its own; return its exit code and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        cwd=folder,
        env={**clean(os.environ), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """*environment* without settings and proxies."""
    return {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith("GHE_EXPORTER_") and not name.upper().endswith("_PROXY")
    }
