"""What is exposed of the process: its version, its configuration, its log, whoever reports meanwhile."""

import threading

from exporter.errors import Reason
from exporter.runtime.status import Key, StatusBoard
from exporter.telemetry.telemetry import Telemetry
from tests.support.telemetry_harness import LICENSES, SEATS, TelemetryHarness


def test_process_metrics_are_exposed() -> None:
    """The process and its interpreter are exposed unless another exporter does it."""
    text = Telemetry(StatusBoard(), version="1", revision="r").render(openmetrics=False)
    for name in (b"process_cpu_seconds_total ", b"process_open_fds ", b"python_info{", b"python_gc_collections_total{"):
        assert b"\n" + name in text


def test_build_info_names_the_version_and_python(harness: TelemetryHarness) -> None:
    """Version and revision of what runs are labels."""
    [(labels, value)] = harness.series("ghe_exporter_build_info").items()
    assert labels[:2] == ("1.2.3", "abc")
    assert value == 1


def test_failed_reload_keeps_the_time_of_the_last_success(harness: TelemetryHarness) -> None:
    """A failed reload shows, and leaves the time of the last good one."""
    harness.telemetry.reloaded(100)
    assert harness.series("ghe_exporter_config_last_reload_successful") == {(): 1}
    harness.telemetry.reloaded(None)
    assert harness.series("ghe_exporter_config_last_reload_successful") == {(): 0}
    assert harness.series("ghe_exporter_config_last_reload_success_timestamp_seconds") == {(): 100}


def test_counting_during_scrapes_loses_nothing(harness: TelemetryHarness) -> None:
    """Threads that count while others scrape and forget lose nothing and break nothing."""
    harness.reconcile(LICENSES)
    together = threading.Barrier(5)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            together.wait()
            for turn in range(100):
                harness.api.attempted(SEATS, "200", 0.1)
                harness.telemetry.failed(LICENSES, Reason.TIMEOUT)
                harness.reconcile(LICENSES, Key(f"octo-{number}", f"c{turn}"))
                harness.telemetry.render(openmetrics=bool(number % 2)) if turn % 20 == 0 else None
                harness.reconcile(LICENSES)
        except BaseException as error:  # noqa: BLE001 - whatever goes wrong in a thread fails the test
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert harness.series("ghe_exporter_api_requests_total") == {("acme", SEATS.path, "200"): 500}
    assert harness.series("ghe_exporter_collector_failures_total") == {
        (*LICENSES, reason.value): 500 * (reason is Reason.TIMEOUT) for reason in Reason
    }


def test_log_errors_are_counted_where_they_happen() -> None:
    """Lines that could not be written show at the next scrape: the log itself cannot report them."""
    errors = 0
    telemetry = Telemetry(StatusBoard(), version="1", revision="r", process_metrics=False, log_errors=lambda: errors)
    assert b"\nghe_exporter_log_errors_total 0\n" in telemetry.render(openmetrics=False)
    errors = 7
    assert b"\nghe_exporter_log_errors_total 7\n" in telemetry.render(openmetrics=True)
