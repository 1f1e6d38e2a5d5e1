"""`ghe-exporter serve`: collect in the background and answer scrapes until a signal stops it."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from exporter import __version__, logs
from exporter.app import Exporter
from exporter.commands.advisories import report_open_access, warn_about_plaintext
from exporter.commands.signals import received_signals
from exporter.config import loading
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError, SystemRefusal
from exporter.web.http.server import WebServer
from exporter.web.protection.guard import Guard
from exporter.web.protection.protection import LiveProtection

log = structlog.get_logger()

GIL_SWITCH_SECONDS = 0.0001
"""How long a computing thread keeps the interpreter: at the default of 0.005 a scrape would wait for collectors."""


def run(config: Path | None, *, web_config: Path | None, enable_lifecycle: bool) -> int:
    """Serve what the configuration says; return the exit code."""

    def load() -> Settings:
        settings = loading.load(config)
        logs.configure(settings.log_level, settings.log_format)
        return settings

    settings = load()
    serve(
        settings,
        reload=load,
        web_config=web_config,
        enable_lifecycle=enable_lifecycle or settings.web.enable_lifecycle,
    )
    return 0


def serve(
    settings: Settings,
    *,
    reload: Callable[[], Settings],
    web_config: Path | None,
    enable_lifecycle: bool,
    started: Callable[[str], None] = lambda _url: None,
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP loads the settings again. *started* gets the URL.

    *web_config* comes before the web configuration that the settings name.

    Raises:
        ConfigurationError: the web configuration cannot be used.
        SystemRefusal: the listen address cannot be used now.
    """
    sys.setswitchinterval(GIL_SWITCH_SECONDS)
    protection = LiveProtection(web_config or settings.web.config_file)
    exporter = Exporter(keeps_state=True)

    def reload_now() -> str:
        """Apply the settings as they are now; return the problem that prevents it, if any."""
        try:
            renewed = reload()
            path = web_config or renewed.web.config_file
            prepared = protection.prepare(path)
            exporter.apply(renewed)
            protection.use(path, prepared)
            warn_about_plaintext(renewed)
        except ConfigurationError as error:
            exporter.telemetry.reloaded(None)
            log.error("reload failed, keeping current configuration", problem=str(error))  # noqa: TRY400 - no traceback
            return str(error)
        log.info("configuration reloaded")
        return ""

    application = exporter.application(reload_now if enable_lifecycle else None)
    server = WebServer(settings.listen, Guard(application, protection), protection)
    with received_signals() as receive:
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
        exporter.start()
        log.info("started", version=__version__, listen=settings.listen, enterprises=len(settings.enterprises))
        started(server.url)
        while receive() == signal.SIGHUP:
            reload_now()
        log.info("stopping")
        exporter.stop()
        server.stop()
