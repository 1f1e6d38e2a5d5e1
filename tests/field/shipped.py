"""What is shipped beside the exporter, as a case sees it: the page that is scraped, the chart, the rules, the files."""

import gzip
import re
import socket
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from helm_python import HelmError

from tests.support.chart import manifests
from tests.support.tools import tool

ROOT = Path(__file__).resolve().parents[2]
FIRING = 'count by (alertname, enterprise) (ALERTS{alertstate="firing"})'


def scraped(case: Mapping[str, Any], url: str) -> None:
    """Send the bytes of a request to the exporter at *url* and judge the answer."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(case["scrape"].replace("\n", "\r\n").encode() + b"\r\n")
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    if b"content-encoding: gzip" in head.lower():
        body = gzip.decompress(body)
    judge_texts(case["expect"], [head.decode(), body.decode()])


def judge_texts(expect: Mapping[str, Any], texts: Iterable[str]) -> None:
    """What *texts* have to say, each pattern in at least one, and must not say in any."""
    texts = list(texts)
    for pattern in expect.get("matches", []):
        assert any(re.search(pattern, text, re.MULTILINE) for text in texts), f"{pattern}: not in {texts[0][:2000]}"
    for pattern in expect.get("never_matches", []):
        assert not [found for text in texts if (found := re.search(pattern, text, re.MULTILINE))]


def files(case: Mapping[str, Any]) -> None:
    """Read every file that fits and judge each one."""
    found = sorted(ROOT.glob(case["documents"]))
    assert found
    for path in found:
        judge_texts(case["expect"], [path.read_text(encoding="utf-8")])


def charted(case: Mapping[str, Any]) -> None:
    """Render the chart with the values of a case and look at its objects."""
    values, expect = case["chart"], case["expect"]
    if "refused" in expect:
        with pytest.raises(HelmError, match=expect["refused"]):
            manifests(values)
        return
    objects = manifests(values, release=case.get("release", "acme"))
    judge_texts(expect, [yaml.safe_dump_all(objects, width=10_000)])
    for wanted in expect.get("objects", []):
        found = [manifest for manifest in objects if manifest["kind"] == wanted["kind"]]
        assert found, wanted["kind"]
        for manifest in found:
            assert at(manifest, wanted["at"]) == wanted["is"], yaml.safe_dump(manifest)


def at(value: Any, path: str) -> Any:
    """What stands at *path*, keys and places joined by dots; None if nothing does."""
    for part in path.split("."):
        if isinstance(value, list):
            value = value[int(part)] if int(part) < len(value) else None
        else:
            value = (value or {}).get(part)
    return value


def labels(alert: str) -> str:
    """`NAME ENTERPRISE`, or a name alone, as promtool wants it."""
    name, _, enterprise = alert.partition(" ")
    return f'{{alertname="{name}", enterprise="{enterprise}"}}' if enterprise else f'{{alertname="{name}"}}'


def alerted(case: Mapping[str, Any], folder: Path) -> None:
    """Have promtool evaluate the shipped rules over the series of a case; say which alerts fire when."""
    assert all(isinstance(values, str) for values in case["series"].values()), "unquoted, 0x240 is a number to YAML"
    test = {
        "rule_files": [str(path) for path in sorted((ROOT / "alerts" / "rules").glob("*.yaml"))],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case["series"].items()],
                "promql_expr_test": [
                    {
                        "expr": FIRING,
                        "eval_time": when,
                        "exp_samples": [{"labels": labels(alert), "value": 1} for alert in firing],
                    }
                    for when, firing in case["expect"]["firing"].items()
                ],
            }
        ],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    done = subprocess.run([tool("promtool"), "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
