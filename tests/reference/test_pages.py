"""Generated documentation: complete, in place and checked."""

import json
from pathlib import Path

import pytest

from exporter.collectors import COLLECTORS
from exporter.commands import docs as command
from exporter.errors import ConfigurationError
from exporter.reference.markdown import replace_section
from exporter.reference.pages import CALLS_FILE, metrics_page, pages
from exporter.reference.permissions import permissions_page
from exporter.telemetry.declarations import OWN_METRICS

ROOT = Path(__file__).parents[2]
CALLS = json.loads((ROOT / CALLS_FILE).read_text(encoding="utf-8"))
MARKED = "before\n<!-- generated: collectors -->\nold\n<!-- end of generated: collectors -->\nafter\n"
MARKED_CAUSES = (
    "<!-- generated: causes -->\n<!-- end of generated: causes -->\n"
    "<!-- generated: warnings -->\n<!-- end of generated: warnings -->\n"
)
MARKED_SCOPES = "<!-- generated: scopes -->\n<!-- end of generated: scopes -->\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(MARKED)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "troubleshooting.md").write_text(MARKED_CAUSES)
    (tmp_path / "docs" / "credentials.md").write_text(MARKED_SCOPES)
    (tmp_path / CALLS_FILE).write_text("{}")
    return tmp_path


def test_committed_pages_are_up_to_date() -> None:
    """What is committed equals what the code generates."""
    for path, content in pages(ROOT, COLLECTORS).items():
        assert path.read_text("utf-8") == content, f"{path} is out of date: run `ghe-exporter docs`"


def test_every_metric_and_endpoint_is_documented() -> None:
    """No declared metric, endpoint or collector is missing from the page."""
    page = metrics_page(COLLECTORS)
    for collector in COLLECTORS:
        assert f"\n## {collector.name}\n" in page
        for name in (*(metric.name for metric in collector.metrics), *(e.path for e in collector.endpoints)):
            assert f"`{name}`" in page
    for own in OWN_METRICS:
        assert f"`{own.name}`" in page


def test_permissions_page_lists_every_collector() -> None:
    """Each collector has its permissions, its endpoints and, on each platform that has it, its calls."""
    page = permissions_page(COLLECTORS, CALLS)
    for collector in COLLECTORS:
        tables = 1 + (0 if collector.for_process else len(collector.platforms))
        assert page.count(f"| [`{collector.name}`](#{collector.name})") == tables
        assert f"\n## {collector.name}\n" in page
    assert "| `/meta` | any | any |" in page
    assert "`enterprise_administration: write`" in page


def test_calls_are_shown_as_counted() -> None:
    """Calls of all sizes, of options that cost some, and the sum of what runs by default."""
    cloud: dict[str, dict[str, float | None]] = {
        "runners": {"small": 63.0, "organization": 2.5},
        "cost_centers": {"small": 1},
        "cost_centers spend": {"small": 12.4},
        "billing_usage": {"small": 900},
    }
    page = permissions_page(COLLECTORS, {"cloud": cloud})
    assert "| [`runners`](#runners) | 1m | 63 |  |  | 2.5 |" in page
    assert "| `cost_centers` with `spend: true` | 1h | 12 |  |  |  |" in page
    assert "| **enabled by default** |  | 64 |  |  | 2.5 |" in page
    assert "`organizations_breakdown: true`" not in page


def test_default_collectors_stay_within_the_rate_limit() -> None:
    """A large enterprise fits into the 5,000 requests an hour of one token, less the reserve."""
    enabled = [CALLS["cloud"].get(collector.name, {}) for collector in COLLECTORS if collector.enabled]
    assert 0 < sum(row.get("large") or 0 for row in enabled) < 4_500


def test_check_names_stale_pages_and_writing_updates_them(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Check fails and names what is stale, writing fixes it, and only what is between markers changes."""
    assert command.run(check=True, root=checkout) == 1
    assert "out of date: README.md" in capsys.readouterr().out
    assert (checkout / "README.md").read_text() == MARKED
    assert command.run(check=False, root=checkout) == 0
    assert command.run(check=True, root=checkout) == 0
    text = (checkout / "README.md").read_text()
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "old" not in text


def test_outside_a_checkout_is_a_configuration_error(tmp_path: Path) -> None:
    """Without a README there is one clear error."""
    with pytest.raises(ConfigurationError, match="run it in a checkout"):
        command.run(check=True, root=tmp_path)


def test_missing_markers_are_an_error() -> None:
    """A page without markers is not overwritten."""
    with pytest.raises(ValueError, match="lacks the markers of metrics"):
        replace_section("nothing here", "metrics", "content")
