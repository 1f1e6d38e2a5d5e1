"""Declarations of metrics and the samples made from them."""

import math
from typing import Literal

import pytest

from exporter.metrics.metric import Distribution, Metric, Totals, counter, families, gauge, histogram

SEATS = gauge("ghe_seats", "Seats.")
RUNNERS = gauge("ghe_runners", "Runners.", "os", "state")
WAIT = histogram("ghe_wait_seconds", "Time to wait.", buckets=(1, 5))


@pytest.mark.parametrize(
    "name",
    [
        "ghe_",
        "ghe",
        "seats",
        "github_seats",
        "ghe_Seats",
        "ghe_seats_",
        "ghe__seats",
        "ghe_1st",
        "ghe_sé",
        "ghe_a:b",
        "",
    ],
)
def test_invalid_name_is_refused(name: str) -> None:
    """A name that is not `ghe_` and lower snake case is refused."""
    with pytest.raises(ValueError, match="not a metric name"):
        gauge(name, "Seats.")


@pytest.mark.parametrize(
    "help_text", ["", "Seats", "seats.", 'Seats "used".', "Back\\slash.", "Two\nlines.", ".", " Seats."]
)
def test_invalid_help_is_refused(help_text: str) -> None:
    """A help text that is not one sentence, or that the formats would escape, is refused."""
    with pytest.raises(ValueError, match="help is not one plain sentence"):
        gauge("ghe_seats", help_text)


@pytest.mark.parametrize("labels", [("os", "os"), ("enterprise",), ("os", "enterprise")])
def test_repeated_or_misplaced_labels_are_refused(labels: tuple[str, ...]) -> None:
    """A label occurs once, and the enterprise is the first one."""
    with pytest.raises(ValueError, match="labels repeat, or the enterprise is not the first one"):
        gauge("ghe_runners", "Runners.", *labels)


@pytest.mark.parametrize("labels", [(), ("linux",), ("linux", "idle", "more")])
def test_wrong_number_of_label_values_is_refused(labels: tuple[str, ...]) -> None:
    """A sample with too few or too many label values is refused, not cut to size."""
    with pytest.raises(ValueError, match=rf"ghe_runners takes labels .*, got {len(labels)} values"):
        RUNNERS(1, *labels)


def test_samples_are_grouped_in_declared_order() -> None:
    """Samples are grouped by metric in declared order, and a metric without samples has an empty group."""
    samples = [SEATS(7), RUNNERS(2, "linux", "idle"), RUNNERS(0, "linux", "busy")]
    grouped = families((RUNNERS, SEATS), samples)
    assert grouped == {RUNNERS: {("linux", "idle"): 2, ("linux", "busy"): 0}, SEATS: {(): 7}}
    assert list(grouped) == [RUNNERS, SEATS]
    assert families((SEATS,), []) == {SEATS: {}}


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_missing_or_infinite_value_has_no_series(value: float | None) -> None:
    """A value that is not reported or not finite has no series, and the others stay."""
    samples = [RUNNERS(value, "linux", "idle"), RUNNERS(1, "linux", "busy")]
    assert families((RUNNERS,), samples) == {RUNNERS: {("linux", "busy"): 1}}


@pytest.mark.parametrize("value", [0, False, -0.0, 1e300, -5])
def test_finite_value_has_a_series(value: float) -> None:
    """Zero, false, huge and negative values are values."""
    assert families((SEATS,), [SEATS(value)]) == {SEATS: {(): value}}


def test_duplicate_series_fails_the_run() -> None:
    """Two samples of one series are a bug of the collector and fail its run."""
    with pytest.raises(ValueError, match="ghe_runners has two samples with the same labels"):
        families((RUNNERS,), [RUNNERS(1, "linux", "idle"), RUNNERS(1, "linux", "idle")])


def test_undeclared_metric_fails_the_run() -> None:
    """A sample of a metric that the collector does not declare fails its run, even under a declared name."""
    impostor = gauge("ghe_seats", "Seats.")
    with pytest.raises(ValueError, match="ghe_seats is not declared by this collector"):
        families((SEATS,), [impostor(1)])


def test_rows_with_equal_labels_are_summed() -> None:
    """Rows that share labels are summed, and a metric without rows has no series."""
    totals = Totals(RUNNERS)
    assert list(totals.samples()) == []
    totals.add(2, "linux", "idle")
    totals.add(0.5, "linux", "idle")
    totals.add(1, "macos", "idle")
    assert list(totals.samples()) == [RUNNERS(2.5, "linux", "idle"), RUNNERS(1, "macos", "idle")]


def test_observation_on_a_bound_counts_below_it() -> None:
    """A bucket holds what is at most its bound; what is above all bounds is in the last one."""
    value = Distribution.of(WAIT)
    for seconds in (0, 1, 1.1, 5, 6):
        value.observe(seconds, WAIT)
    assert value == Distribution([2, 2, 1], 13.1)


@pytest.mark.parametrize(("kind", "buckets"), [("gauge", (1.0,)), ("histogram", ()), ("histogram", (2.0, 1.0))])
def test_buckets_without_histogram_are_refused(kind: Literal["gauge", "histogram"], buckets: tuple[float, ...]) -> None:
    """A histogram has buckets in their order, and nothing else has any."""
    with pytest.raises(ValueError, match="a histogram, and nothing else, has buckets"):
        Metric("ghe_wait_seconds", "Time to wait.", type=kind, buckets=buckets)


def test_value_of_another_type_is_refused() -> None:
    """A number is no value of a histogram, and a distribution is one of nothing else."""
    with pytest.raises(ValueError, match="distributions as values"):
        WAIT(1)
    with pytest.raises(ValueError, match="distributions as values"):
        counter("ghe_jobs_total", "Jobs.")(Distribution([1, 0]))


def test_histogram_with_infinite_sum_is_left_out() -> None:
    """A sum that is no number is absent, as any other value."""
    assert families((WAIT,), [WAIT(Distribution([1, 0, 0], math.inf))]) == {WAIT: {}}


def test_labels_from_the_settings_come_after_the_declared_ones() -> None:
    """A metric that is extended has samples with those labels in the place of its own."""
    info = gauge("ghe_organization_info", "Organizations.", "organization", extended_by="organization_properties")
    extended = info.with_labels(["team"])
    assert extended.labels == ("enterprise", "organization", "team")
    grouped = families((info, SEATS), [extended(1, "octo", "web"), SEATS(7)])
    assert {metric.name: family for metric, family in grouped.items()} == {
        "ghe_organization_info": {("octo", "web"): 1},
        "ghe_seats": {(): 7},
    }


def test_two_label_sets_of_one_family_are_refused() -> None:
    """All samples of a family have the same labels."""
    info = gauge("ghe_organization_info", "Organizations.", "organization", extended_by="organization_properties")
    with pytest.raises(ValueError, match="not declared"):
        families((info,), [info.with_labels(["team"])(1, "a", "web"), info.with_labels(["cost"])(1, "b", "1")])
    with pytest.raises(ValueError, match="takes no labels from the settings"):
        SEATS.with_labels(["team"])
    with pytest.raises(ValueError, match="labels repeat"):
        info.with_labels(["organization"])
