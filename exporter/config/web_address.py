"""Where the exporter of these settings listens, for a health check: quick, and indifferent to all other settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exporter.config.addresses import DEFAULT_LISTEN, split_listen_address
from exporter.config.environment import PREFIX, own_environment
from exporter.config.yaml_file import read_mapping
from exporter.errors import ConfigurationError

EVERY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def web_url(config: Path | None, web_config: Path | None) -> str:
    """The URL at which `serve` with the same environment, file and web configuration answers on this machine.

    Raises:
        ConfigurationError: a file cannot be read, or the address is none.
    """
    environment = own_environment()
    path = config or _path(environment.get(f"{PREFIX}CONFIG"))
    document = (read_mapping(path) or {}) if path else {}
    listen = environment.get(f"{PREFIX}LISTEN") or document.get("listen", DEFAULT_LISTEN)
    try:
        host, port = split_listen_address(str(listen))
    except ValueError as error:
        raise ConfigurationError(f"listen: {error}") from None
    host = EVERY_ADDRESS.get(host, host)
    path = web_config or _web_config(environment, document)
    scheme = "https" if path and (read_mapping(path, "web configuration") or {}).get("tls_server_config") else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _web_config(environment: Mapping[str, str], document: Mapping[str, Any]) -> Path | None:
    """The web configuration that the settings name."""
    section = document.get("web")
    web = dict(section) if isinstance(section, dict) else {}
    try:
        web |= json.loads(environment.get(f"{PREFIX}WEB", "{}"))
    except (ValueError, TypeError):
        raise ConfigurationError(f"{PREFIX}WEB: must be a JSON object") from None
    return _path(environment.get(f"{PREFIX}WEB__CONFIG_FILE") or web.get("config_file"))


def _path(text: object) -> Path | None:
    return Path(text) if isinstance(text, str) else None
