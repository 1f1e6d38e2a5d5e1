"""A reload as a whole: in order, one at a time, and without any effect where it is refused."""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from exporter import logs
from exporter.app import Exporter
from exporter.commands.serve import Reloader
from exporter.config.settings import Settings
from exporter.logs import LogOutput
from exporter.web.protection.protection import LiveProtection
from tests.support.tools import eventually

PATIENCE = 10.0
RELOADED = b"ghe_exporter_config_last_reload_successful"


def settings(slug: str = "acme", **others: object) -> Settings:
    """Settings for an enterprise that nobody asks."""
    enterprise = {"slug": slug, "api_url": "http://127.0.0.1:9", "auth": {"token": "x"}}
    return Settings.model_validate({"enterprises": [enterprise], **others})


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """An exporter that collects nothing by itself."""
    made = Exporter(process_metrics=False)
    made.apply(settings())
    yield made
    made.stop()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What is logged from the level warning on."""
    stream = io.StringIO()
    logs.configure("warning", "json", LogOutput(stream))
    yield stream
    structlog.reset_defaults()


def reloader(exporter: Exporter, log: io.StringIO, load: Callable[[], Settings]) -> Reloader:
    """What applies the settings that *load* returns."""
    return Reloader(exporter, LiveProtection(None), LogOutput(log), load, None)


def enterprises(exporter: Exporter) -> set[str]:
    """Which enterprises are read."""
    return {key.enterprise for key in exporter.collections}


def test_refused_reload_keeps_the_log_level(exporter: Exporter, log: io.StringIO, tmp_path: Path) -> None:
    """Settings that ask for more in the log, and for a web configuration that is not there, change nothing."""
    refused = settings("globex", log_level="debug", web={"config_file": str(tmp_path / "missing.yaml")})
    assert "missing.yaml" in reloader(exporter, log, lambda: refused).reload()
    structlog.get_logger().info("not asked for")
    assert "not asked for" not in log.getvalue()
    assert "reload failed, keeping current configuration" in log.getvalue()
    assert enterprises(exporter) == {"acme"}
    assert RELOADED + b" 0\n" in exporter.telemetry.render(openmetrics=False)


def test_accepted_reload_changes_the_log_level(exporter: Exporter, log: io.StringIO) -> None:
    """Once everything is applied."""
    assert reloader(exporter, log, lambda: settings("globex", log_level="debug")).reload() == ""
    assert "configuration reloaded" in log.getvalue()
    assert enterprises(exporter) == {"globex"}


def test_unforeseen_exception_refuses_a_reload(exporter: Exporter, log: io.StringIO) -> None:
    """Whatever goes wrong, the settings in force stay, and the next reload works."""

    def fail() -> Settings:
        raise KeyError("octocat@example.com")

    problem = reloader(exporter, log, fail).reload()
    assert problem.startswith("KeyError at fail")
    assert "octocat" not in problem + log.getvalue()
    assert enterprises(exporter) == {"acme"}
    assert reloader(exporter, log, lambda: settings("globex")).reload() == ""
    assert enterprises(exporter) == {"globex"}


def test_reloads_are_applied_in_the_order_of_their_files(exporter: Exporter, log: io.StringIO) -> None:
    """A signal and a request at a time: the second waits, reads the newer file, and wins."""
    reading, gate = threading.Semaphore(0), threading.Event()
    files = iter([settings("older"), settings("newer")])

    def load() -> Settings:
        loaded = next(files)
        reading.release()
        assert gate.wait(PATIENCE)
        return loaded

    both = reloader(exporter, log, load)
    threads = [threading.Thread(target=both.reload, daemon=True) for _ in range(2)]
    threads[0].start()
    assert reading.acquire(timeout=PATIENCE)
    threads[1].start()
    assert not reading.acquire(timeout=0.1), "nothing is read while a reload is under way"
    gate.set()
    eventually(lambda: not any(thread.is_alive() for thread in threads), "both have ended")
    assert enterprises(exporter) == {"newer"}
