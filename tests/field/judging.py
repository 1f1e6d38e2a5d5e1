"""Whether what was seen is what a case expects, and what holds in every case does."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.field.running import CANARY, Seen, families

APP_TOKEN = re.compile(r"POST /(api/v3/)?app/installations/\d+/access_tokens")


def judge(expect: Mapping[str, Any], seen: Seen) -> None:
    """Compare everything."""
    harmless(seen)
    series = families(seen.metrics)
    judge_runs(expect, series, seen)
    judge_metrics(expect, series, seen)
    judge_output(expect, seen)
    judge_requests(expect, seen)


def harmless(seen: Seen) -> None:
    """No secret is shown, nothing crashed, nothing was changed, and both formats say the same."""
    assert CANARY not in seen.everything
    assert "Traceback" not in seen.out
    for request in seen.requests:
        assert request.startswith("GET ") or APP_TOKEN.fullmatch(request), request
    if seen.openmetrics:
        same = families(seen.openmetrics, openmetrics=True)
        assert families(seen.metrics) == pytest.approx(same, nan_ok=True)


def judge_runs(expect: Mapping[str, Any], series: Mapping[str, float], seen: Seen) -> None:
    """Which collectors succeeded, and why the others did not."""
    failing, unavailable = expect.get("fails", {}), expect.get("unavailable", {})
    for name, value in series.items():
        (collector,) = re.findall(r'collector="(\w+)"', name) or [""]
        if name.startswith("ghe_exporter_collector_success{"):
            assert (value == 0) == (collector in failing or collector in unavailable), describe(name, series, seen)
        if name.startswith("ghe_exporter_collector_available{"):
            assert (value == 0) == (collector in unavailable), describe(name, series, seen)
    for collector, reason in {**failing, **unavailable}.items():
        start = "ghe_exporter_collector_failures_total{"
        labels = {f'collector="{collector}"', f'reason="{reason}"'}
        counted = [
            value for name, value in series.items() if name.startswith(start) and all(each in name for each in labels)
        ]
        assert reason is None or sum(counted) > 0, describe(f"{start}{collector} {reason}", series, seen)


def judge_metrics(expect: Mapping[str, Any], series: Mapping[str, float], seen: Seen) -> None:
    """Series with their values, and series that must not be there."""
    for name, value in families(expect.get("metrics", "")).items():
        assert series.get(name) == pytest.approx(value), describe(f"{name} {value:.17g}", series, seen)
    for start in expect.get("absent", []):
        assert [name for name in series if name.startswith(start)] == []


def judge_output(expect: Mapping[str, Any], seen: Seen) -> None:
    """What was printed and logged."""
    for words in expect.get("says", []):
        assert words in seen.out, seen.out
    for words in expect.get("never_says", []):
        assert words not in seen.everything
    for words, times in expect.get("logs", {}).items():
        assert seen.out.count(words) == times, seen.out
    assert seen.code == expect.get("exit", seen.code), seen.out
    assert len(seen.out.splitlines()) == expect.get("lines", len(seen.out.splitlines())), seen.out


def judge_requests(expect: Mapping[str, Any], seen: Seen) -> None:
    """What the GitHub was asked."""
    for target, times in expect.get("requests", {}).items():
        assert sum(request.endswith(f" {target}") for request in seen.requests) == times, seen.requests
    for name, value in expect.get("sends", {}).items():
        assert {headers.get(name) for headers in seen.headers} == {value}


def describe(missing: str, series: Mapping[str, float], seen: Seen) -> str:
    """What there is in the place of what is *missing*."""
    start = missing.partition("{")[0]
    near = [f"{name} {value:.17g}" for name, value in series.items() if name.startswith(start)]
    return "\n".join([f"missing: {missing}", *near, *seen.requests, seen.out])
