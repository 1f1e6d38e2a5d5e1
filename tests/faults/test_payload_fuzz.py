"""Mutations of real payloads: whatever GitHub sends, a run ends with a reason, never a bug, and what is shown is valid.

The corpus are the recorded answers of every collector, with GitHub's own examples. `FUZZ_EXAMPLES=2000` tries more.
"""

import json
import os
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from structlog.testing import capture_logs

from exporter.collectors import COLLECTORS
from exporter.collectors.common.labels import snake_case
from exporter.errors import Reason
from tests.support.harness import CollectorHarness
from tests.support.secret_marker import CANARY

FOLDER = Path(__file__).parent.parent / "collectors"
BY_NAME = {collector.name: collector for collector in COLLECTORS}
CASES = {
    name: sorted(path.parent for path in FOLDER.glob(f"{name}/*/responses.json") if json.loads(path.read_text("utf-8")))
    for name in BY_NAME
}
EXAMPLES = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
    deadline=None,
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
MAX_REQUESTS = 1_500
SECRET = f"{CANARY}@acme.example"
"""In the place of what no label may show: mail addresses, names of people, addresses with signatures."""
PERSONAL = frozenset(
    {
        "actor",
        "user",
        "email",
        "github_com_saml_name_id",
        "visual_studio_license_status",
        "html_url",
        "download_urls",
        "download_links",
    }
)

ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1e308, -1e308, 5e-324, 10**400, float("nan"), float("inf"), 2**53 + 1, 1.5]),
    st.sampled_from(
        ["", " ", "0", "1e999", "NaN", "-", ".", "..", "/", "%", "%s", "{}", "\x00", "\r\n", '"', "\\", "\\n"]
    ),
    st.sampled_from(["\u2028", "\ufeff", "\U0001f600", "a" * 5_000, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]),
    st.sampled_from(["2026-02-30", "2026-11-16T11:03:20+99:99", "::", "a:b:c", ":", "org/", "/repo", "İ", "ß"]),
    st.text(max_size=20).filter(lambda text: text.isascii() or text.encode("utf-8", "replace").decode() == text),
    st.integers(),
    st.floats(),
    st.sampled_from([[], {}, [[]], [None], [{}], {"a": {}}, [1, "2", None, {}]]).map(deepcopy),
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in *value*."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in places(each, (*at, key)))]


def mutate(draw: st.DrawFn, value: Any) -> Any:
    """Change *value* at one place: another value, gone, twice, moved, or under another name."""
    way = draw(st.sampled_from(places(value)))
    if not way:
        return draw(ODD) if draw(st.integers(0, 9)) == 0 else value
    parent = value
    for key in way[:-1]:
        parent = parent[key]
    last = way[-1]
    match draw(st.sampled_from(["replace", "replace", "replace", "remove", "repeat", "swap"])):
        case "replace":
            parent[last] = draw(ODD)
        case "remove":
            del parent[last]
        case "repeat" if isinstance(parent, list):
            parent.extend([parent[last]] * draw(st.sampled_from([1, 2, 99, 100])))
        case "swap":
            keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
            other = draw(st.sampled_from(keys))
            parent[last], parent[other] = parent[other], parent[last]
        case _:
            parent[f"{last}s" if isinstance(parent, dict) else last] = parent[last]
    return value


def personal(value: Any) -> Any:
    """Put the secret where people are named."""
    if isinstance(value, dict):
        return {key: SECRET if key in PERSONAL else personal(each) for key, each in value.items()}
    return [personal(each) for each in value] if isinstance(value, list) else value


@cache
def corpus(case: Path) -> str:
    """The recorded answers of *case*, with a secret in them."""
    recorded = json.loads((case / "responses.json").read_text("utf-8"))
    return json.dumps({path: personal(answer) for path, answer in recorded.items()})


@st.composite
def mutated(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Answers and settings of one of the collector's cases, changed at a few places."""
    case = draw(st.sampled_from(CASES[name]))
    recorded: dict[str, Any] = json.loads(corpus(case))
    file = case / "settings.json"
    options = json.loads(file.read_text("utf-8")) if file.exists() else {}
    options["organizations"] = tuple(options.get("organizations", ()))
    for _ in range(draw(st.integers(1, 6))):
        path = draw(st.sampled_from(sorted(recorded)))
        recorded[path] = mutate(draw, recorded[path])
        if isinstance(recorded[path], dict) and "body" in recorded[path]:
            described = recorded[path]
            described["status"] = (
                status if isinstance(status := described.get("status", 200), int) and 200 <= status < 600 else 200
            )
            headers = described.get("headers")
            described["headers"] = (
                {
                    key: text
                    for key, text in headers.items()
                    if isinstance(text, str) and text.isprintable() and text.isascii()
                }
                if isinstance(headers, dict)
                else {}
            )
    return recorded, options


@pytest.mark.parametrize("name", BY_NAME)
@EXAMPLES
@given(data=st.data())
def test_mutated_answers_end_with_a_reason_or_a_valid_exposition(name: str, data: st.DataObject) -> None:
    """Two runs with mutated answers end with a reason or a valid exposition, in a bounded number of requests."""
    recorded, options = data.draw(mutated(name))
    collector = BY_NAME[name]
    harness = CollectorHarness(collector, recorded, **options)
    properties = {snake_case(name) for name in options.get("organization_properties", ())}
    properties |= set(options.get("property_labels", ()))
    labels = {
        metric.name: {*metric.labels, *(properties if metric.extended_by else ())} for metric in collector.metrics
    }
    with capture_logs() as logs:
        for _ in range(2):
            harness.run()
            assert harness.status.reason is not Reason.BUG, harness.status.problem
    assert len(harness.asked) <= MAX_REQUESTS
    openmetrics = harness.exposed(openmetrics=True)
    for text, parse in ((harness.text, parse_text), (openmetrics + "# EOF\n", parse_openmetrics)):
        for family in parse(text):
            declared = labels[f"{family.name}_total" if family.type == "counter" else family.name]
            assert all(sample.labels.keys() - {"le"} == declared for sample in family.samples)
    assert CANARY not in f"{harness.text}{logs}{harness.status}"
