"""History for the dashboards: what the backfill writes is what the exporter would have written at each moment."""

import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from exporter.collectors import COLLECTORS
from exporter.simulator.company.estate import CORP, Estate
from exporter.telemetry.declarations import OWN_METRICS
from tests.support.demonstration import NOW, NOW_AND_THEN
from tests.support.history import script

BACKFILL = script("backfill")
HOUR = 3600.0
METRICS = (*OWN_METRICS, *(metric for collector in COLLECTORS for metric in collector.metrics))
HISTOGRAMS = tuple(metric.name for metric in METRICS if metric.type == "histogram")
USERS, RUNNERS = 60, 10


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four hours as a strict parser reads them, which refuses families and series that are not kept together."""
    file: Path = tmp_path_factory.mktemp("history") / "history"
    span = ["--days", "0.125", "--step", "1h", "--recent", "5m", "--recent-step", "1m", "--end", str(NOW)]
    assert BACKFILL.main([str(file), *span, "--users", str(USERS), "--runners", str(RUNNERS)]) == 0
    # This parser takes the second moment of a histogram for a duplicate of the first; there is a test of its own below.
    text = file.read_text("utf-8").splitlines(keepends=True)
    lines = [line for line in text if not any(name in line for name in HISTOGRAMS)]
    parsed = text_string_to_metric_families("".join(lines))  # type: ignore[no-untyped-call]
    return {family.name: family for family in parsed}


def values(family: Any, **labels: str) -> dict[float, float]:
    """The values of one series by the seconds before the end."""
    return {
        round(float(sample.timestamp) - NOW, 3): sample.value
        for sample in family.samples
        if labels.items() <= sample.labels.items()
    }


def test_span_is_coarse_first_and_fine_at_its_end() -> None:
    span = BACKFILL.Span(end=1000.0, seconds=700.0, step=200.0, recent=100.0, recent_step=40.0)
    assert list(span.instants()) == [300, 500, 700, 900, 940, 980, 1000]


def test_span_may_be_fine_throughout() -> None:
    span = BACKFILL.Span(end=1000.0, seconds=100.0, step=200.0, recent=500.0, recent_step=50.0)
    assert list(span.instants()) == [900, 950, 1000]


def test_every_scrape_is_there(families: dict[str, Any]) -> None:
    coarse = [-3 * HOUR, -2 * HOUR, -HOUR]
    assert list(values(families["up"])) == [*coarse, -300, -240, -180, -120, -60, 0]


def test_every_family_is_there(families: dict[str, Any]) -> None:
    happened = {metric.name.removesuffix("_total") for metric in METRICS} - {*HISTOGRAMS, *NOW_AND_THEN}
    assert happened <= families.keys()
    assert {"up", "scrape_duration_seconds", "scrape_samples_scraped", "process_cpu_seconds"} <= families.keys()


def test_labels_are_those_of_the_example_job(families: dict[str, Any]) -> None:
    for family in families.values():
        for sample in family.samples:
            assert (sample.labels["job"], sample.labels["instance"]) == ("ghe-exporter", "localhost:10204")


def test_values_are_those_of_the_estate_at_that_moment(families: dict[str, Any]) -> None:
    """Read at most half a minute before the scrape, after which nobody could have known more."""
    corp = Estate(users=USERS, runners=RUNNERS).enterprise(CORP)
    assert corp is not None
    assert corp.licenses is not None
    consumed = values(families["ghe_license_seats_consumed"], enterprise=CORP)
    for before, value in consumed.items():
        if before <= -HOUR:  # in the fine part it is not read at every scrape
            assert value == corp.licenses.seats(NOW + before - BACKFILL.LEAD_SECONDS).consumed
    runners = {
        before: sum(
            sample.value
            for sample in families["ghe_runners"].samples
            if sample.labels["enterprise"] == CORP
            and sample.labels["organization"] == ""
            and round(float(sample.timestamp) - NOW, 3) == before
        )
        for before in consumed
    }
    for before, registered in runners.items():
        at = NOW + before - BACKFILL.LEAD_SECONDS
        assert registered in {len(corp.fleet.span(at + later)) for later in range(0, 30, 10)}


def test_collectors_run_when_they_are_due(families: dict[str, Any]) -> None:
    succeeded = values(
        families["ghe_exporter_collector_last_success_timestamp_seconds"], enterprise=CORP, collector="license_users"
    )
    assert len(set(succeeded.values())) == 1  # every six hours
    runs = values(
        families["ghe_exporter_collector_last_success_timestamp_seconds"], enterprise=CORP, collector="runners"
    )
    assert len(set(runs.values())) == len(runs)
    assert all(0 <= NOW + before - at <= BACKFILL.LEAD_SECONDS for before, at in runs.items())


def test_answers_take_time(families: dict[str, Any]) -> None:
    took = values(families["ghe_exporter_collector_duration_seconds"], enterprise=CORP, collector="runners")
    assert all(0 < seconds < BACKFILL.LEAD_SECONDS for seconds in took.values())
    assert len(set(took.values())) > 1


def test_parts_of_a_histogram_are_written_moment_by_moment() -> None:
    history = BACKFILL.History()
    text = b"# TYPE x histogram\n"
    text += b'x_bucket{a="1",le="1"} 1\nx_bucket{a="1",le="+Inf"} 2\nx_count{a="1"} 2\nx_bucket{role="1",le="1"} 0\n'
    for at in (10.0, 20.0):
        history.add(at, text, {})
    with tempfile.TemporaryFile() as file:
        history.write(file)
        file.seek(0)
        written = re.findall(rb'^(x_\w+)\{.*?(a|role)="1"(?:,le="(.+)")?\} \S+ (\d+)', file.read(), re.MULTILINE)
    moment = [(b"x_bucket", b"a", b"1"), (b"x_bucket", b"a", b"+Inf"), (b"x_count", b"a", b"")]
    other = (b"x_bucket", b"role", b"1")
    assert written == [(*each, at) for at in (b"10", b"20") for each in moment] + [(*other, b"10"), (*other, b"20")]


def test_faults_leave_their_mark() -> None:
    history = BACKFILL.history([NOW], users=USERS, runners=RUNNERS, faults=["http-502=1"])
    lost = history.series[b"ghe_exporter_collector_failures"]
    assert sum(counts[0] for name, (_, counts) in lost.items() if b'reason="server_error"' in name) > 0
    assert b"ghe_license_seats_consumed" not in history.series


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--step", "5"], "--step: '5' is not a duration"),
        (["--users", "0"], "users"),
        (["--fault", "flood=1"], "flood"),
    ],
)
def test_bad_arguments_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        BACKFILL.main([str(tmp_path / "history"), *arguments])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "history").exists()
