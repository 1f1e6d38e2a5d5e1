"""What `serve` and `collect` point out about settings that are valid but deserve a look."""

import structlog

from exporter.config.addresses import is_every_address, is_plaintext
from exporter.config.settings import Settings

log = structlog.get_logger()


def warn_about_plaintext(settings: Settings) -> None:
    """Warn of every enterprise to which a secret goes unencrypted; not on this machine, where nobody listens."""
    for enterprise in settings.enterprises:
        if is_plaintext(enterprise.api_url):
            log.warning("api_url uses plain HTTP, token is sent unencrypted", enterprise=enterprise.name)
        if enterprise.manage_url and is_plaintext(enterprise.manage_url):
            log.warning("manage_url uses plain HTTP, password is sent unencrypted", enterprise=enterprise.name)


def report_open_access(listen: str, *, has_passwords: bool) -> None:
    """Say so where other machines reach the port and need no password."""
    if is_every_address(listen) and not has_passwords:
        log.info(
            "listening on all addresses without authentication",
            listen=listen,
            hint="listen on 127.0.0.1, or set basic_auth_users in web.config_file",
        )
