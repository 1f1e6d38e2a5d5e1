"""`ghe-exporter demo`: the whole product on an embedded simulated GitHub, without any credential."""

from pathlib import Path

from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from exporter import logs
from exporter.commands.output import standard_output
from exporter.commands.serve import serve
from exporter.config.addresses import SERVER_PATH
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError
from exporter.simulator.server import Simulator

LEGACY = "octo-legacy"
CLOUD = ("octo-corp", LEGACY, "octo-tenant")
SERVER = "octo-server"
ORGANIZATIONS_READ = 2
INCLUDED = {
    "actions_minutes": 50_000,
    "storage_gigabytes": 50,
    "packages_transfer_gigabytes": 100,
    "ai_credits": 700_000,
}
"""What plan and seats of octo-corp include; no API reports it."""
INCLUDED_IN_TENANT = {"ai_credits": 36_000}
"""What those of octo-tenant include, which it has used up early in the month."""

PROPERTIES = ["team", "cost_center"]
EXPECTED_LABELS = ["gpu", "macos", "windows"]

OPT_IN = {
    "actions_activity": {"enabled": True},
    "billing_usage": {"enabled": True},
    "budget_users": {"enabled": True},
    "cost_centers": {"spend": True},
    "advanced_security": {"organizations_breakdown": True},
    "server_management": {"enabled": True},
    "copilot_usage": {"enabled": True},
}
"""What is off by default, because it costs calls."""


class DemoSettings(Settings):
    """Settings that ignore the environment of the person who tries the demo."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what the code says."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def run(listen: str, *, users: int, runners: int, organizations: int, seed: int, web_config: Path | None) -> int:
    """Serve until a signal comes; return the exit code."""
    logs.configure("info", "console")
    try:
        simulator = Simulator(users=users, runners=runners, organizations=organizations, seed=seed)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    simulator.start()
    settings = demo_settings(simulator.url, listen, organizations)
    try:
        return serve(
            settings,
            reload=lambda: settings,
            web_config=web_config,
            enable_lifecycle=False,
            started=lambda url: introduce(url, simulator.url),
        )
    finally:
        simulator.stop()


def demo_settings(url: str, listen: str, organizations: int) -> Settings:
    """Settings that read every enterprise of the simulator at *url*, with everything switched on."""
    read = [f"octo-org-{number}" for number in range(1, min(ORGANIZATIONS_READ, organizations) + 1)]
    auth = {"token": "demo"}
    enterprises = [{"slug": slug, "api_url": url, "auth": auth} for slug in CLOUD]
    management = {"manage_url": url, "manage_auth": {"username": "demo", "password": "demo"}}
    enterprises.append({"slug": SERVER, "api_url": url + SERVER_PATH, "auth": auth, **management})
    enterprises[0] |= {
        "organizations": {"auto": True, "include": read},
        "organization_properties": PROPERTIES,
        "included": INCLUDED,
        "expected_labels": EXPECTED_LABELS,
    }
    enterprises[2] |= {"included": INCLUDED_IN_TENANT}
    collectors = {**OPT_IN, "github_status": {"enabled": True, "url": url}}
    return DemoSettings.model_validate({"listen": listen, "enterprises": enterprises, "collectors": collectors})


def introduce(url: str, github: str) -> None:
    """Print which URLs to open."""
    with standard_output() as out:
        out.write(
            "\n  ghe-exporter demo: four simulated enterprises, no credentials, nothing leaves this machine\n\n"
            f"  status page   {url}/\n"
            f"  metrics       {url}/metrics\n"
            f"  simulated API {github}\n\n"
            f"  Some collectors are unavailable on purpose: {LEGACY} is billed on GitHub's former platform, and\n"
            f"  {SERVER} is a GitHub Enterprise Server, which does not have all of them. That is how it looks.\n\n"
            "  Press Ctrl-C to stop.\n\n"
        )
