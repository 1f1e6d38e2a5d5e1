"""Last good results: which are accepted, how long they stay, how many series they may have."""

import pytest
from structlog.testing import capture_logs

from exporter.metrics.exposition import Exposition, render
from exporter.metrics.metric import Metric, gauge
from exporter.runtime.snapshot import Result, Snapshots
from exporter.runtime.status import Key, Watch

COUNT = gauge("ghe_runners", "Runners.", "organization", "state")
ONLINE = gauge("ghe_runner_online", "Online.", "organization", "runner", dropped_with="per runner")
BUSY = gauge("ghe_runner_busy", "Busy.", "organization", "runner", dropped_with="per runner")
SEATS = gauge("ghe_seats", "Seats.")
METRICS: dict[str, tuple[Metric, ...]] = {"runners": (COUNT, ONLINE, BUSY), "licenses": (SEATS,)}
ACME, GLOBEX = Key("acme", "runners"), Key("globex", "runners")
LEVELS = ("", "acme-web")


class Board:
    """Snapshots with what they expose and what they report as dropped."""

    def __init__(self, metrics: dict[str, tuple[Metric, ...]] = METRICS) -> None:
        self.dropped: dict[Key, dict[str, int]] = {}
        self.exposition = Exposition(metrics)
        self.snapshots = Snapshots(
            self.exposition, metrics, lambda key, series: self.dropped.update({key: dict(series)})
        )
        self.watches: dict[Key, Watch] = {}

    def watch(self, key: Key, *levels: str, fingerprint: str = "f", max_series: int = 100) -> None:
        """Watch *levels* of *key* as well."""
        self.watches[key] = Watch(fingerprint, 60, levels or ("",))
        self.snapshots.reconcile(self.watches, max_series)

    def limit(self, max_series: int) -> None:
        """Apply another limit."""
        self.snapshots.reconcile(self.watches, max_series)

    def publish(self, key: Key, results: dict[str, Result]) -> None:
        """Publish results by organization."""
        for organization, result in results.items():
            self.snapshots.publish(key.level(organization), result)

    @property
    def series(self) -> list[str]:
        """Every exposed series without its value."""
        text = b"".join(self.exposition.page().plain(())).decode()
        return [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]

    def names(self, enterprise: str = "acme") -> set[str]:
        """The families exposed of *enterprise*."""
        return {line.partition("{")[0] for line in self.series if f'enterprise="{enterprise}"' in line}


@pytest.fixture
def board() -> Board:
    """A board that watches the runners of two enterprises."""
    board = Board()
    for key in (ACME, GLOBEX):
        board.watch(key, *LEVELS)
    return board


def runners(enterprise: str, level: str, number: int, at: float = 0.0, *, busy: bool = True) -> Result:
    """*number* runners of one level and one count of them."""
    each: dict[tuple[str, ...], float] = {(level, f"runner-{index}"): 1 for index in range(number)}
    samples: dict[Metric, dict[tuple[str, ...], float]] = {
        COUNT: {(level, "idle"): number},
        ONLINE: each,
        BUSY: each if busy else {},
    }
    return Result(render(enterprise, samples), at)


def test_results_of_all_levels_are_exposed_together(board: Board) -> None:
    """Results of every level are exposed side by side."""
    board.publish(ACME, {"": runners("acme", "", 1), "acme-web": runners("acme", "acme-web", 1)})
    assert board.series == [
        'ghe_runners{enterprise="acme",organization="",state="idle"}',
        'ghe_runners{enterprise="acme",organization="acme-web",state="idle"}',
        'ghe_runner_online{enterprise="acme",organization="",runner="runner-0"}',
        'ghe_runner_online{enterprise="acme",organization="acme-web",runner="runner-0"}',
        'ghe_runner_busy{enterprise="acme",organization="",runner="runner-0"}',
        'ghe_runner_busy{enterprise="acme",organization="acme-web",runner="runner-0"}',
    ]
    assert board.dropped[ACME] == {}


def test_new_result_replaces_that_of_its_level_only(board: Board) -> None:
    """A new result of one level leaves the last data of the others."""
    board.publish(ACME, {"": runners("acme", "", 3), "acme-web": runners("acme", "acme-web", 2)})
    board.publish(ACME, {"acme-web": runners("acme", "acme-web", 1)})
    online = [line for line in board.series if line.startswith("ghe_runner_online")]
    assert len([line for line in online if 'organization=""' in line]) == 3
    assert len([line for line in online if 'organization="acme-web"' in line]) == 1


@pytest.mark.parametrize(
    ("key", "level"), [(Key("octo", "runners"), ""), (ACME, "octo-web"), (Key("acme", "licenses"), "")]
)
def test_result_that_is_not_watched_is_ignored(board: Board, key: Key, level: str) -> None:
    """A result that nobody watches, of a run that outlived a reload, is not exposed."""
    board.publish(key, {level: Result(render(key.enterprise, {SEATS: {(): 1}}), 0)})
    assert board.series == []


def test_level_no_longer_watched_vanishes(board: Board) -> None:
    """An organization that is not watched any more vanishes immediately, and the rest stays."""
    board.publish(ACME, {"": runners("acme", "", 1), "acme-web": runners("acme", "acme-web", 1)})
    board.watch(ACME, "")
    assert len(board.series) == 3
    assert not any("acme-web" in line for line in board.series)
    board.watch(ACME, *LEVELS)
    assert len(board.series) == 3


def test_removed_key_vanishes_for_good(board: Board) -> None:
    """What is removed vanishes, does not come back by a late result, and leaves others alone."""
    board.publish(ACME, {"": runners("acme", "", 1)})
    board.publish(GLOBEX, {"": runners("globex", "", 1)})
    del board.watches[ACME]
    board.limit(100)
    board.publish(ACME, {"": runners("acme", "", 1)})
    assert board.names("acme") == set()
    assert len(board.names("globex")) == 3


def test_old_result_of_a_level_is_dropped(board: Board) -> None:
    """Each level goes when it is too old by itself; a new result brings it back."""
    board.publish(ACME, {"": runners("acme", "", 1, 100), "acme-web": runners("acme", "acme-web", 1, 200)})
    board.snapshots.expire(ACME, {"": 100})
    assert len(board.series) == 6
    board.snapshots.expire(ACME, {"": 101})
    assert len(board.series) == 3
    assert all("acme-web" in line for line in board.series)
    board.snapshots.expire(ACME, {"": 300, "acme-web": 300})
    assert board.series == []
    board.publish(ACME, {"": runners("acme", "", 1, 400)})
    assert len(board.series) == 3


def test_expiring_an_unknown_key_is_no_error(board: Board) -> None:
    """Expiring what never was or is gone is no error."""
    board.snapshots.expire(Key("octo", "runners"), {"": 1})
    assert board.series == []


def test_family_at_the_limit_is_exposed(board: Board) -> None:
    """As many series as the limit allows are exposed, over all levels together."""
    board.limit(4)
    board.publish(ACME, {"": runners("acme", "", 3), "acme-web": runners("acme", "acme-web", 1)})
    assert board.names() == {"ghe_runners", "ghe_runner_online", "ghe_runner_busy"}
    assert board.dropped[ACME] == {}


def test_families_above_the_limit_are_dropped_together(board: Board) -> None:
    """One series more drops all families that belong together, and reports how many each had."""
    board.limit(4)
    board.publish(ACME, {"": runners("acme", "", 3), "acme-web": runners("acme", "acme-web", 2)})
    assert board.names() == {"ghe_runners"}
    assert board.dropped[ACME] == {"ghe_runner_online": 5, "ghe_runner_busy": 5}


def test_smaller_companion_of_a_dropped_family_is_dropped(board: Board) -> None:
    """A family below the limit goes with its companion that is above it; one without series is not reported."""
    board.limit(4)
    results = {"": runners("acme", "", 3), "acme-web": runners("acme", "acme-web", 2, busy=False)}
    board.publish(ACME, results)
    assert board.dropped[ACME] == {"ghe_runner_online": 5, "ghe_runner_busy": 3}
    board.publish(ACME, {"": runners("acme", "", 5, busy=False)})
    assert board.dropped[ACME] == {"ghe_runner_online": 7}


def test_family_without_companions_is_dropped_alone(board: Board) -> None:
    """A family without companions is dropped alone."""
    board.limit(1)
    board.publish(ACME, {"": runners("acme", "", 1), "acme-web": runners("acme", "acme-web", 0)})
    assert board.names() == {"ghe_runner_online", "ghe_runner_busy"}
    assert board.dropped[ACME] == {"ghe_runners": 2}


def test_families_without_companions_do_not_drop_each_other() -> None:
    """Families that name no companions have none: each is dropped for itself."""
    versions = gauge("ghe_runners_by_version", "Versions.", "version")
    alone = Board({"runners": (COUNT, versions)})
    alone.watch(ACME, *LEVELS)
    alone.limit(1)
    result = Result(render("acme", {COUNT: {("", "idle"): 1}, versions: {("1",): 1, ("2",): 1}}), 0)
    alone.publish(ACME, {"": result})
    assert alone.names() == {"ghe_runners"}
    assert alone.dropped[ACME] == {"ghe_runners_by_version": 2}


def test_limit_is_per_enterprise(board: Board) -> None:
    """An enterprise above the limit takes nothing from another one."""
    board.limit(2)
    board.publish(ACME, {"": runners("acme", "", 3)})
    board.publish(GLOBEX, {"": runners("globex", "", 2)})
    assert board.names("acme") == {"ghe_runners"}
    assert board.names("globex") == {"ghe_runners", "ghe_runner_online", "ghe_runner_busy"}
    assert not board.dropped.get(GLOBEX)


def test_families_return_below_the_limit(board: Board) -> None:
    """When there are few enough again, all families come back and nothing is reported as dropped."""
    board.limit(2)
    board.publish(ACME, {"": runners("acme", "", 3)})
    board.publish(ACME, {"": runners("acme", "", 2)})
    assert board.names() == {"ghe_runners", "ghe_runner_online", "ghe_runner_busy"}
    assert board.dropped[ACME] == {}


def test_dropped_families_are_logged_once(board: Board) -> None:
    """The log names the families and the limit when they go, not at every run, and again when they go again."""
    board.limit(2)
    with capture_logs() as logs:
        for number in (3, 4, 2, 3):
            board.publish(ACME, {"": runners("acme", "", number)})
    assert [(log["log_level"], log["enterprise"], log["collector"], log["limit"]) for log in logs] == [
        ("warning", "acme", "runners", 2)
    ] * 2
    assert logs[0]["series"] == {"ghe_runner_online": 3, "ghe_runner_busy": 3}


def test_new_limit_applies_to_existing_results(board: Board) -> None:
    """A reload with another limit takes effect on what is already there."""
    board.publish(ACME, {"": runners("acme", "", 3)})
    board.limit(2)
    assert board.dropped[ACME] == {"ghe_runner_online": 3, "ghe_runner_busy": 3}


def test_other_fingerprint_drops_former_results(board: Board) -> None:
    """What was read by settings that shape it otherwise vanishes when the new ones come into force."""
    board.publish(ACME, {"": runners("acme", "", 1)})
    board.watch(ACME, *LEVELS, fingerprint="other")
    assert board.series == []


def test_unsupported_is_not_watched(board: Board) -> None:
    """What a new platform cannot offer does not keep showing what the former one did."""
    board.publish(ACME, {"": runners("acme", "", 1)})
    board.watches[ACME] = Watch("f", 60, supported=False)
    board.limit(100)
    assert board.series == []
    board.publish(ACME, {"": runners("acme", "", 1)})
    assert board.series == []


def test_set_levels_drops_and_accepts_organizations(board: Board) -> None:
    """An organization that goes takes its series along; one that comes is accepted; the others stay."""
    board.publish(ACME, {"": runners("acme", "", 1), "acme-web": runners("acme", "acme-web", 1)})
    board.snapshots.set_levels(ACME, ("", "acme-new"))
    board.publish(ACME, {"acme-new": runners("acme", "acme-new", 1), "acme-web": runners("acme", "acme-web", 1)})
    assert {line.partition('organization="')[2].partition('"')[0] for line in board.series} == {"", "acme-new"}
    board.snapshots.set_levels(Key("octo", "runners"), ("",))


def test_series_that_several_levels_report_is_exposed_once() -> None:
    """Without a label that distinguishes levels two equal lines would make Prometheus refuse the whole scrape."""
    date = gauge("ghe_date", "Date.", "version")
    board = Board({"versions": (date,)})
    key = Key("acme", "versions")
    board.watch(key, *LEVELS, max_series=2)

    def dates(**versions: float) -> Result:
        return Result(render("acme", {date: {(name,): value for name, value in versions.items()}}), 0.0)

    board.publish(key, {"": dates(a=1, b=2), "acme-web": dates(b=3)})
    text = b"".join(board.exposition.page().plain(())).decode()
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        'ghe_date{enterprise="acme",version="a"} 1',
        'ghe_date{enterprise="acme",version="b"} 2',
    ]
    assert board.dropped[key] == {}
    board.publish(key, {"acme-web": dates(c=3)})
    assert board.dropped[key] == {"ghe_date": 3}
