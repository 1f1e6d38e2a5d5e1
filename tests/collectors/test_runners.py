"""How the collector of runners copes with lists that move while they are read, and with old servers."""

import re
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.collectors.runners import COLLECTOR
from tests.support.harness import API, CollectorHarness

RUNNERS = "/enterprises/octo-corp/actions/runners"
GROUPS = "/enterprises/octo-corp/actions/runner-groups"


def runner(number: int, **fields: Any) -> dict[str, Any]:
    return {"id": number, "name": f"runner-{number}", "os": "linux", "status": "online", "busy": False, **fields}


def grouped(number: int, **fields: Any) -> dict[str, Any]:
    return runner(number, runner_group_id=1, **fields)


def page(runners: list[dict[str, Any]], total: int, following: int | None = None) -> dict[str, Any]:
    link = f'<{API}{RUNNERS}?per_page=100&page={following}>; rel="next", <{API}{RUNNERS}?page={following}>; rel="last"'
    return {"headers": {"Link": link} if following else {}, "body": {"total_count": total, "runners": runners}}


def one_group(name: str = "Default") -> dict[str, Any]:
    return {"total_count": 1, "runner_groups": [{"id": 1, "name": name, "visibility": "all", "default": True}]}


def test_a_runner_listed_on_two_pages_counts_once() -> None:
    """A runner that slips to the next page while pages are read is not counted twice."""
    harness = CollectorHarness(COLLECTOR, {})
    harness.recorded = {
        f"{RUNNERS}?page=1": page([grouped(1), grouped(2)], 3, 2),
        f"{RUNNERS}?page=2": page([grouped(2), grouped(3)], 3),
        GROUPS: one_group(),
    }
    harness.run()
    assert (
        harness.series[
            'ghe_runners{enterprise="octo-corp",organization="",runner_group="Default",os="linux",state="idle"}'
        ]
        == 3
    )
    assert len([url for url in harness.asked if url.startswith(f"{RUNNERS}?")]) == 2


def test_a_missed_runner_is_found_by_one_more_pass() -> None:
    """When fewer distinct runners come than were announced, the list is walked once more and both passes count."""

    class Slipping(CollectorHarness):
        def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
            if RUNNERS in str(request.url):
                first = not any(RUNNERS in url for url in self.asked)
                self.recorded[RUNNERS] = page([grouped(1)] if first else [grouped(2)], 2)
            return super()._answer(request)

    harness = Slipping(COLLECTOR, {GROUPS: one_group()})
    harness.run()
    assert sum(value for name, value in harness.series.items() if name.startswith("ghe_runner_online{")) == 2


def test_a_complete_second_pass_replaces_the_first() -> None:
    """When the second pass is complete, runners that only the first one saw are gone."""

    class Shrinking(CollectorHarness):
        def _answer(self, request: Any) -> tuple[int, dict[str, str], str]:
            if RUNNERS in str(request.url):
                first = not any(RUNNERS in url for url in self.asked)
                self.recorded[RUNNERS] = page([grouped(1)], 3) if first else page([grouped(2), grouped(3)], 2)
            return super()._answer(request)

    harness = Shrinking(COLLECTOR, {GROUPS: one_group()})
    harness.run()
    assert not any('runner_id="1"' in name for name in harness.series)


@pytest.mark.parametrize(("announced", "passes"), [(0, 2), (1, 1), (2, 1), (3, 1), (4, 2)])
def test_a_malformed_record_is_no_missing_one(announced: int, passes: int) -> None:
    """Records that cannot be understood may be announced too: they are no reason to walk the list again."""
    listed: list[Any] = [grouped(1), {"name": "without id"}, "no object"]
    harness = CollectorHarness(COLLECTOR, {RUNNERS: page(listed, announced), GROUPS: one_group()})
    harness.run()
    assert harness.observer.skips == 2 * passes


def test_group_names_are_asked_for_once_a_quarter_of_an_hour() -> None:
    """Group names are kept for 15 minutes, so that a run a minute costs no request for them."""
    harness = CollectorHarness(COLLECTOR, {RUNNERS: page([grouped(1)], 1), GROUPS: one_group()})
    for _ in range(3):
        harness.run()
        harness.clock.now += 60
    assert sum(url.startswith(GROUPS) for url in harness.asked) == 1
    harness.clock.now += 900
    harness.recorded[GROUPS] = one_group("Renamed")
    harness.run()
    assert 'runner_group="Renamed"' in harness.text


def test_runner_of_a_new_group_makes_the_names_be_requested_immediately() -> None:
    """A group that nobody knows yet is looked up in the same run."""
    harness = CollectorHarness(COLLECTOR, {RUNNERS: page([grouped(1)], 1), GROUPS: one_group()})
    harness.run()
    harness.recorded[RUNNERS] = page([grouped(1), runner(2, runner_group_id=2)], 2)
    harness.recorded[GROUPS] = {"runner_groups": [{"id": 1, "name": "Default"}, {"id": 2, "name": "gpu"}]}
    harness.run()
    assert 'runner_group="gpu",runner_id="2"' in harness.text


def test_failing_groups_leave_the_known_names_in_place() -> None:
    """While the groups cannot be read, runners keep the group names known before, however old."""
    harness = CollectorHarness(COLLECTOR, {RUNNERS: page([grouped(1)], 1), GROUPS: one_group()})
    harness.run()
    harness.clock.now += 3600
    harness.recorded[GROUPS] = {"status": 500, "body": ""}
    harness.run()
    assert harness.status.success
    assert 'runner_group="Default"' in harness.text


def test_failing_groups_fail_the_first_run() -> None:
    """Without any known name a failing group list fails the run: runners without groups would mislead."""
    harness = CollectorHarness(COLLECTOR, {RUNNERS: page([grouped(1)], 1), GROUPS: {"status": 500, "body": ""}})
    harness.run()
    assert not harness.status.success
    assert harness.text == ""


def test_membership_on_old_servers_comes_from_the_lists_of_groups() -> None:
    """Where no runner reports its group, the groups' own lists do, kept for 15 minutes."""
    members = f"{GROUPS}/1/runners"
    harness = CollectorHarness(
        COLLECTOR, {RUNNERS: page([runner(1), runner(2)], 2), GROUPS: one_group(), members: page([runner(1)], 1)}
    )
    harness.run()
    harness.run()
    assert 'runner_group="Default",runner_id="1"' in harness.text
    assert 'runner_group="",runner_id="2"' in harness.text
    assert sum(url.startswith(members) for url in harness.asked) == 1


LABELS = st.sampled_from(["gpu", "GPU", "large", "web", "job-1", "job-2", "job-3", "linux", "self-hosted"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(LABELS, max_size=5), st.booleans(), st.booleans(), st.booleans()), max_size=20),
    st.integers(0, 6),
    st.sets(st.sampled_from(["gpu", "web", "nobody"])),
)
def test_labels_add_up_to_the_runners_that_have_them(
    fleet: list[tuple[list[str], bool, bool, bool]], max_labels: int, expected: set[str]
) -> None:
    """Each runner counts once under each label, the rest once under (other), and never more labels than allowed."""
    runners = [
        {
            "id": number,
            "name": f"octo-{number}",
            "status": "online" if online else "offline",
            "busy": busy,
            "ephemeral": ephemeral,
            "labels": [{"name": label, "type": "custom"} for label in labels],
        }
        for number, (labels, online, busy, ephemeral) in enumerate(fleet)
    ]
    path = "/enterprises/octo-corp/actions"
    harness = CollectorHarness(
        COLLECTOR,
        {
            f"{path}/runners": {"total_count": len(runners), "runners": runners},
            f"{path}/runner-groups": {"runner_groups": []},
        },
        options={"max_labels": max_labels, "per_runner": False},
        expected_labels=sorted(expected),
    )
    harness.run()
    assert harness.status.success
    sizes: Counter[str] = Counter()
    own = [({label.lower() for label in labels}, online, busy, ephemeral) for labels, online, busy, ephemeral in fleet]
    for labels, *_ in own:
        sizes.update(labels)
    ranked = sorted((label for label in sizes if label not in expected), key=lambda label: (-sizes[label], label))
    shown = {*ranked[:max_labels], *expected}
    every = (*shown, *(["(other)"] if len(ranked) > max_labels else []))
    counts = Counter({(label, state): 0 for label in every for state in ("idle", "busy", "offline")})
    one_job = Counter(dict.fromkeys(every, 0))
    for labels, online, busy, ephemeral in own:
        state = "offline" if not online else "busy" if busy else "idle"
        for label in {label if label in shown else "(other)" for label in labels}:
            counts[label, state] += 1
            one_job[label] += ephemeral
    assert by_labels(harness, "ghe_runner_label_runners", "label", "state") == counts
    assert by_labels(harness, "ghe_runner_label_ephemeral_runners", "label") == {
        (label,): runners for label, runners in one_job.items()
    }
    assert by_labels(harness, "ghe_runner_label_expected", "label") == {(label,): label in expected for label in every}


def by_labels(harness: CollectorHarness, metric: str, *names: str) -> dict[tuple[str, ...], float]:
    """The values of *metric* by the labels *names*."""
    return {
        tuple(labels[name] for name in names): value
        for series, value in harness.series.items()
        if series.startswith(f"{metric}{{")
        for labels in [dict(re.findall(r'(\w+)="([^"]*)"', series))]
    }
