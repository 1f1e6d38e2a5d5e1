"""Generated documentation: complete, in place and checked."""

from pathlib import Path

import pytest

from exporter.collectors import COLLECTORS
from exporter.commands import docs as command
from exporter.errors import ConfigurationError
from exporter.reference.markdown import replace_section
from exporter.reference.pages import metrics_page, pages
from exporter.reference.permissions import SIZES, hourly, permissions_page
from exporter.telemetry.declarations import OWN_METRICS

ROOT = Path(__file__).parents[2]
MARKED = "before\n<!-- generated: collectors -->\nold\n<!-- end of generated: collectors -->\nafter\n"
MARKED_CAUSES = (
    "<!-- generated: causes -->\n<!-- end of generated: causes -->\n"
    "<!-- generated: warnings -->\n<!-- end of generated: warnings -->\n"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "README.md").write_text(MARKED)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "troubleshooting.md").write_text(MARKED_CAUSES)
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
    """Each collector has its row in the overview, its endpoints and its calls."""
    page = permissions_page(COLLECTORS)
    for collector in COLLECTORS:
        assert f"| [`{collector.name}`](#{collector.name})" in page
        assert f"\n## {collector.name}\n" in page
    assert "| [`runners`](#runners) | `manage_runners:enterprise`, `admin:org` | no App | 64 | 304 | 3,004 |" in page
    assert "| [`license_users`](#license_users) | `read:enterprise` | `enterprise_licensing: read` | 0.17 |" in page
    assert "| `/meta` | any | any |" in page
    assert "`enterprise_administration: write`" in page


def test_default_collectors_stay_within_the_rate_limit() -> None:
    """A large enterprise fits into the 5,000 requests an hour of one token, less the reserve."""
    large = SIZES["large"]
    assert sum(hourly(collector, large) for collector in COLLECTORS if collector.enabled) < 4_500


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
