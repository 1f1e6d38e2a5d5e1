"""Everything wired together, against the simulated GitHub: what settings turn on, and what a change turns off."""

from pathlib import Path

import pytest

from exporter.app import Exporter
from exporter.errors import ConfigurationError, Stopped
from exporter.runtime.status import Key
from exporter.simulator.server import Simulator
from tests.support.exporters import (
    BY_FIRST,
    BY_OWN,
    BY_SECOND,
    FOR_CLOUD_ALONE,
    ON_CLOUD,
    ON_SERVER,
    RUN,
    Never,
    ask,
    available,
    label_values,
    page,
    run_all,
    series,
    settings,
)
from tests.support.harness import FakeClock, read_all


def test_every_collector_of_every_enterprise(exporter: Exporter, simulator: Simulator) -> None:
    """Each enterprise gets each collector that can exist on its platform, and its own data."""
    exporter.apply(
        settings(
            {"slug": "octo-corp", "api_url": simulator.url},
            {"slug": "octo-server", "api_url": simulator.server_url},
        )
    )
    run_all(exporter)
    assert exporter.collections.keys() == {
        *(Key("octo-corp", name) for name in ON_CLOUD),
        *(Key("octo-server", name) for name in ON_SERVER),
    }
    success = series(exporter, "ghe_exporter_collector_success", *RUN)
    offered = {key for key, value in series(exporter, "ghe_exporter_collector_available", *RUN).items() if value}
    assert {key for key, value in success.items() if value == 1} == offered
    assert {("octo-corp", "licenses"), ("octo-corp", "runners"), ("octo-server", "runners")} <= offered
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1, ("octo-server",): 1}
    assert label_values(exporter, "enterprise") == {"octo-corp", "octo-server"}


def test_removed_enterprise_leaves_no_series(exporter: Exporter, simulator: Simulator) -> None:
    """An enterprise that the new settings do not mention leaves no series and no status behind."""
    kept, removed = ({"slug": slug, "api_url": simulator.url} for slug in ("octo-corp", "octo-legacy"))
    exporter.apply(settings(kept, removed))
    simulator.faults.set("http-500@octo-legacy/license-sync-status=1")
    run_all(exporter)
    assert "octo-legacy" in label_values(exporter, "enterprise")
    exporter.apply(settings(kept))
    assert "octo-legacy" not in page(exporter)
    assert "octo-legacy" not in ask(exporter, "/")[1]
    assert {key.enterprise for key in exporter.statuses.all()} == {"octo-corp"}
    assert series(exporter, "ghe_license_seats_consumed", "enterprise").keys() == {("octo-corp",)}


def test_removed_organization_leaves_no_series(exporter: Exporter, simulator: Simulator) -> None:
    """So does an organization, together with its credential."""
    organization = {"name": "octo-org-2", "auth": {"token": "octo-2"}}
    enterprise = {"slug": "octo-corp", "api_url": simulator.url}
    exporter.apply(settings({**enterprise, "organizations": ["octo-org-1", organization]}))
    run_all(exporter)
    assert {"octo-org-1", "octo-org-2"} <= label_values(exporter, "organization")
    assert label_values(exporter, "credential") == {"auth", "organization:octo-org-2"}
    exporter.apply(settings({**enterprise, "organizations": ["octo-org-1"]}))
    for name in ("ghe_runners", "ghe_runner_online", "ghe_runners_by_version", "ghe_runner_group_info"):
        assert {organization for (organization,) in series(exporter, name, "organization")} == {"", "octo-org-1"}
    assert label_values(exporter, "credential") == {"auth"}


def test_removed_collector_leaves_no_series(exporter: Exporter, simulator: Simulator) -> None:
    """A collector that is switched off loses its series and its status."""
    enterprise = {"slug": "octo-corp", "api_url": simulator.url}
    exporter.apply(settings(enterprise))
    run_all(exporter)
    exporter.apply(settings(enterprise, collectors={"licenses": {"enabled": False}}))
    assert "ghe_license_seats" not in page(exporter)
    assert "licenses" not in label_values(exporter, "collector")
    assert "license_sync" in label_values(exporter, "collector")


def test_what_stays_keeps_its_data(exporter: Exporter, clock: FakeClock, simulator: Simulator) -> None:
    """Through a reload the last good data stays, and so does the time of the last success."""
    enterprise = {"slug": "octo-corp", "api_url": simulator.url}
    exporter.apply(settings(enterprise))
    run_all(exporter)
    seats, at = series(exporter, "ghe_license_seats_consumed", "enterprise"), clock.now
    clock.now += 60
    exporter.apply(settings(enterprise))
    assert series(exporter, "ghe_license_seats_consumed", "enterprise") == seats
    successes = series(exporter, "ghe_exporter_collector_last_success_timestamp_seconds", *RUN)
    assert successes["octo-corp", "licenses"] == at
    assert series(exporter, "ghe_exporter_config_last_reload_success_timestamp_seconds") == {(): at + 60}


def test_data_of_former_settings_is_not_shown_after_a_reload(simulator: Simulator) -> None:
    """A reading that gets its last answer when other settings come into force publishes nothing."""
    others = [settings({"slug": "octo-corp", "api_url": "http://127.0.0.1:9"})]

    class Reloading(FakeClock):
        def time(self) -> float:
            if others and simulator.requests:  # the answer has come, and nothing of it is published yet
                made.apply(others.pop())
            return super().time()

    made = Exporter(clock=Reloading(), randomness=Never(), process_metrics=False)
    made.apply(settings({"slug": "octo-corp", "api_url": simulator.url}))
    with pytest.raises(Stopped):
        read_all(made.collections[Key("octo-corp", "licenses")])
    assert "ghe_license_seats" not in page(made)
    assert series(made, "ghe_exporter_collector_last_success_timestamp_seconds", *RUN)["octo-corp", "licenses"] == 0
    made.stop()


def test_collectors_of_the_cloud_are_unavailable_on_a_server(exporter: Exporter, simulator: Simulator) -> None:
    """On GitHub Enterprise Server, what cannot exist is not available from the start and never asked for."""
    exporter.apply(settings({"slug": "octo-server", "api_url": simulator.server_url}))
    assert available(exporter) == dict.fromkeys(FOR_CLOUD_ALONE, 0)
    run_all(exporter)
    assert {"licenses", "license_users", "license_sync"} <= FOR_CLOUD_ALONE
    assert not any(available(exporter)[name] for name in FOR_CLOUD_ALONE)
    assert available(exporter)["runners"] == 1
    asked = " ".join(simulator.request_counts())
    assert "/api/v3/enterprises/octo-server/actions/runners" in asked
    assert not any(path in asked for path in ("consumed-licenses", "license-sync-status", "/settings/billing/usage"))
    last = series(exporter, "ghe_exporter_collector_last_success_timestamp_seconds", "collector")
    assert {collector for (collector,), value in last.items() if value == 0} >= FOR_CLOUD_ALONE


def test_move_to_a_server_drops_data_of_the_cloud(exporter: Exporter, simulator: Simulator) -> None:
    """What a new address cannot offer does not keep showing the data of the old one."""
    exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.url}))
    run_all(exporter)
    assert series(exporter, "ghe_license_seats_consumed", "enterprise")
    exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.server_url}))
    assert "ghe_license_seats" not in page(exporter)


@pytest.mark.parametrize(
    ("rejected", "failing", "credentials"),
    [
        ("auth", BY_FIRST, {"runner_auth", "organization:octo-org-2"}),
        ("runner_auth", BY_SECOND, {"auth", "organization:octo-org-2"}),
        ("organization", BY_OWN, {"auth", "runner_auth"}),
        ("none", set(), {"auth", "runner_auth", "organization:octo-org-2"}),
    ],
)
def test_which_credential_reads_what(
    rejected: str, failing: set[str], credentials: set[str], exporter: Exporter, simulator: Simulator
) -> None:
    """The second credential reads runners, and an organisation's own reads that organisation's."""
    tokens = {name: f"octo-{name}" for name in ("auth", "runner_auth", "organization")} | {rejected: "bad"}
    own = {"name": "octo-org-2", "auth": {"token": tokens["organization"]}}
    exporter.apply(
        settings(
            {
                "slug": "octo-corp",
                "api_url": simulator.url,
                "auth": {"token": tokens["auth"]},
                "runner_auth": {"token": tokens["runner_auth"]},
                "organizations": ["octo-org-1", own],
            }
        )
    )
    run_all(exporter)
    success = series(exporter, "ghe_exporter_collector_success", "collector")
    assert {name for (name,), value in success.items() if value == 0 and available(exporter)[name]} == failing
    assert label_values(exporter, "credential") == credentials
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): rejected == "none"}
    read = {organization for (organization,) in series(exporter, "ghe_runners", "organization")}
    expected = {
        "auth": {"", "octo-org-1", "octo-org-2"},
        "runner_auth": {"octo-org-2"},
        "organization": {"", "octo-org-1"},
    }
    assert read == expected.get(rejected, expected["auth"])


def test_up_again_without_the_bad_credential(exporter: Exporter, simulator: Simulator) -> None:
    """Once a rejected credential is taken out of the settings, nothing speaks of it any more."""
    enterprise = {"slug": "octo-corp", "api_url": simulator.url}
    exporter.apply(settings({**enterprise, "runner_auth": {"token": "bad"}}))
    run_all(exporter)
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 0}
    exporter.apply(settings(enterprise))
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1}


def test_rotated_token_is_used_without_a_reload(exporter: Exporter, simulator: Simulator, tmp_path: Path) -> None:
    """A token file that changes is used from the next request on, without a reload."""
    path = tmp_path / "token"
    path.write_text("bad-token\n")
    exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.url, "auth": {"token_file": path}}))
    for content, up in [("bad-token", 0), ("octo-token", 1), ("", 1), ("bad-token-2", 0), ("octo-token-2", 1)]:
        path.write_text(content)
        run_all(exporter)
        assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): up}


def test_settings_reach_the_client(exporter: Exporter, simulator: Simulator) -> None:
    """Limits and plans of the settings hold where they are used."""
    simulator.faults.oversized_bytes = 1_100_000
    simulator.faults.set("oversized@consumed-licenses=1")
    enterprise = {"slug": "octo-corp", "api_url": simulator.url}
    limits = {"max_response_megabytes": 1, "max_series_per_metric": 2}
    exporter.apply(settings(enterprise, limits=limits))
    run_all(exporter)
    status = exporter.statuses.get(Key("octo-corp", "licenses"))
    assert status is not None
    assert "limits.max_response_megabytes (1)" in status.problem
    assert series(exporter, "ghe_exporter_series_dropped", "metric")["ghe_runner_online",] > 2
    assert not series(exporter, "ghe_runner_online", "runner")


def test_data_older_than_max_age_is_dropped(exporter: Exporter, clock: FakeClock, simulator: Simulator) -> None:
    """The schedule's tick drops what is older than max_age."""
    maximum = {"licenses": {"interval": "1m", "max_age": "1h"}}
    exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.url}, collectors=maximum))
    run_all(exporter)
    clock.now += 3600
    exporter.schedule.run_due()
    assert series(exporter, "ghe_license_seats_consumed", "enterprise")
    clock.now += 1
    exporter.schedule.run_due()
    assert not series(exporter, "ghe_license_seats_consumed", "enterprise")
    assert series(exporter, "ghe_license_sync_servers", "enterprise")


def test_unreadable_secret_changes_nothing(exporter: Exporter, simulator: Simulator, tmp_path: Path) -> None:
    """If a secret vanishes between the check and its use, the old settings stay in force as a whole."""
    path = tmp_path / "token"
    path.write_text("octo")
    old = {"slug": "octo-corp", "api_url": simulator.url}
    exporter.apply(settings(old))
    new = settings({"slug": "octo-legacy", "api_url": simulator.url, "auth": {"token_file": path}})
    path.unlink()
    with pytest.raises(ConfigurationError, match="token: No such file or directory"):
        exporter.apply(new)
    run_all(exporter)
    assert label_values(exporter, "enterprise") == {"octo-corp"}
    assert series(exporter, "ghe_up", "enterprise") == {("octo-corp",): 1}


def test_no_token_at_all() -> None:
    """A credential without any source, which no validated settings hold, is refused all the same."""
    made = settings({"slug": "octo-corp"})
    hollow = made.enterprises[0].auth.model_copy(update={"token": None})
    enterprise = made.enterprises[0].model_copy(update={"auth": hollow})
    with pytest.raises(ConfigurationError, match=r"^auth: no token$"):
        Exporter().apply(made.model_copy(update={"enterprises": (enterprise,)}))


def test_a_scrape_asks_nobody(exporter: Exporter, simulator: Simulator) -> None:
    """However often the web endpoints are asked, GitHub is not."""
    exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.url}))
    run_all(exporter)
    before = simulator.requests
    assert before > 0
    for _ in range(20):
        for path in ("/metrics", "/", "/-/ready", "/-/healthy"):
            ask(exporter, path)
    assert simulator.requests == before


def test_ready_after_the_first_attempt_of_every_collector(exporter: Exporter, simulator: Simulator) -> None:
    """Ready means that every collector has been tried; healthy means that the schedule runs."""
    exporter.apply(settings({"slug": "octo-corp", "api_url": simulator.url}))
    assert [ask(exporter, path)[0] for path in ("/-/ready", "/-/healthy")] == ["503", "503"]
    *most, last = exporter.collections.values()
    for collection in most:
        read_all(collection)
    assert ask(exporter, "/-/ready")[0] == "503"
    simulator.faults.set("http-500=1")
    read_all(last)
    assert ask(exporter, "/-/ready")[0] == "200"
    exporter.start()
    assert ask(exporter, "/-/healthy")[0] == "200"


def test_not_reloadable_by_default(exporter: Exporter) -> None:
    """Without a way to reload there is no such path."""
    assert ask(exporter, "/-/reload")[0] == "404"
