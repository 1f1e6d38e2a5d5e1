"""`ghe-exporter serve`: collect in the background and answer scrapes until a signal stops it."""

import gc
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

from exporter import __version__, logs
from exporter.app import Exporter
from exporter.commands.advisories import report_open_access, warn_about_plaintext
from exporter.commands.signals import received_signals
from exporter.config import loading
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError, SystemRefusal, describe_bug
from exporter.logs import LogOutput
from exporter.web.http.server import WebServer
from exporter.web.protection.guard import Guard
from exporter.web.protection.protection import LiveProtection

log = structlog.get_logger()

GIL_SWITCH_SECONDS = 0.0001
"""How long a computing thread keeps the interpreter: at the default of 0.005 a scrape would wait for collectors."""


@dataclass(frozen=True, slots=True)
class Reloader:
    """Brings new settings into force, whole or not at all, and in the order in which they were asked for.

    *web_config* comes before the web configuration that the settings name.
    """

    exporter: Exporter
    protection: LiveProtection
    output: LogOutput
    load: Callable[[], Settings]
    web_config: Path | None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reload(self) -> str:
        """Apply the settings as they are now; return the problem that prevents it, if any."""
        with self.lock:  # a signal and a request may come together, and the newer file must win
            try:
                settings = self.load()
                path = self.web_config or settings.web.config_file
                prepared = self.protection.prepare(path)
                self.exporter.apply(settings)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with new settings, the old ones stay in force
                problem = str(error) if isinstance(error, ConfigurationError) else describe_bug(error)
                self.exporter.telemetry.reloaded(None)
                log.error("reload failed, keeping current configuration", problem=problem)  # noqa: TRY400
                return problem
            self.protection.use(path, prepared)
            logs.configure(settings.log_level, settings.log_format, self.output)
            warn_about_plaintext(settings)
            log.info("configuration reloaded")
            return ""


def shorten_pauses() -> None:
    """Let a scrape wait for nothing long while collectors compute.

    Threads take turns often. And a full garbage collection stops them all for as long as it visits what the imports
    left, which was 60 ms and 15 times a scrape, as often as somebody published: it visits none of that any more.
    """
    sys.setswitchinterval(GIL_SWITCH_SECONDS)
    gc.freeze()


def run(config: Path | None, *, web_config: Path | None, enable_lifecycle: bool) -> int:
    """Serve what the configuration says; return the exit code."""
    settings = loading.load(config)
    return serve(
        settings,
        reload=lambda: loading.load(config),
        web_config=web_config,
        enable_lifecycle=enable_lifecycle or settings.web.enable_lifecycle,
    )


def serve(
    settings: Settings,
    *,
    reload: Callable[[], Settings],
    web_config: Path | None,
    enable_lifecycle: bool,
    started: Callable[[str], None] = lambda _url: None,
) -> int:
    """Run until SIGTERM or SIGINT; SIGHUP loads the settings again. *started* gets the URL.

    *web_config* comes before the web configuration that the settings name. Return the exit code: 1 if the web server
    or the schedule ended by itself, which leaves nothing that could continue.

    Raises:
        ConfigurationError: the web configuration cannot be used.
        SystemRefusal: the listen address cannot be used now.
    """
    shorten_pauses()
    output = LogOutput(sys.stderr)
    logs.configure(settings.log_level, settings.log_format, output)
    protection = LiveProtection(web_config or settings.web.config_file)
    exporter = Exporter(keeps_state=True, log_errors=lambda: output.errors)
    reloader = Reloader(exporter, protection, output, reload, web_config)
    application = exporter.application(reloader.reload if enable_lifecycle else None)
    with received_signals() as signals:
        ended: list[str] = []

        def end(what: str) -> None:
            ended.append(what)
            signals.wake()

        guarded = Guard(application, protection)
        server = WebServer(settings.listen, guarded, protection, on_failure=partial(end, "web server"))
        # A refused address is reported alone, before anything that applying the settings may warn of; and nobody gets
        # an answer before the stored results are back.
        try:
            server.listen()
        except OSError as error:
            raise SystemRefusal(f"listen: {error.strerror}") from None
        try:
            exporter.apply(settings)
        except ConfigurationError:
            server.stop()
            raise
        report_open_access(settings.listen, has_passwords=bool(protection.current().passwords))
        warn_about_plaintext(settings)
        server.answer()
        exporter.start(partial(end, "schedule"))
        log.info("started", version=__version__, listen=settings.listen, enterprises=len(settings.enterprises))
        started(server.url)
        while signals.receive() == signal.SIGHUP:
            reloader.reload()
        log.info("stopping")
        exporter.stop()
        server.stop()
    if ended:
        log.critical("ended unexpectedly", problem=f"the {ended[0]} ended by itself")
    return 1 if ended else 0
