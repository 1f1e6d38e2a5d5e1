"""Right settings: what they mean, which source wins, and that nothing changes or shows them."""

import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from exporter.collector import Platform
from exporter.collectors import COLLECTORS
from exporter.config import loading
from exporter.config.auth import Auth
from exporter.config.environment import own_environment
from exporter.config.organizations import Organization, Organizations
from exporter.config.settings import Enterprise, Settings
from tests.support.secret_marker import CANARY, TOKEN, furnish

GOOD_FILES = Path(__file__).parent / "good"
TWO = f"""
enterprises:
  - {{slug: acme, auth: {{token: {TOKEN}}}, organizations: [acme-web]}}
  - {{slug: globex, auth: {{token_file: acme-token}}, api_url: https://api.globex.ghe.com}}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with secrets to work in, and none of our variables set."""
    furnish(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in own_environment():
        monkeypatch.delenv(name)
    return tmp_path


def good(name: str) -> Settings:
    """The settings of a file in settings/good."""
    return loading.load(GOOD_FILES / f"{name}.yaml")


def loaded(monkeypatch: pytest.MonkeyPatch, text: str = "", **variables: str) -> Settings:
    """The settings of the file *text*, if any, and of *variables*, whose prefix is left out."""
    for name, value in variables.items():
        monkeypatch.setenv(f"GHE_EXPORTER_{name}", value)
    if not text:
        return loading.load()
    path = Path("settings.yaml")
    path.write_text(text)
    return loading.load(path)


def token(auth: Auth | None) -> str | None:
    """The token that is written in the settings themselves."""
    return auth.token.get_secret_value() if auth is not None and auth.token is not None else None


@pytest.mark.parametrize("path", sorted(GOOD_FILES.iterdir()), ids=lambda path: path.stem)
def test_good_file_is_accepted(path: Path) -> None:
    """Every file in settings/good is accepted."""
    assert loading.load(path).enterprises


def test_several_enterprises_of_a_file() -> None:
    """A file describes several enterprises, each with its own address, credentials and organizations."""
    settings = good("several-enterprises")
    acme, globex = settings.enterprises
    assert (settings.listen, settings.state_dir) == (":10204", Path("/var/lib/ghe-exporter"))
    assert (acme.slug, acme.api_url, acme.billing_platform) == ("acme", "https://api.github.com", "auto")
    assert acme.auth == Auth(token_file=Path("acme-token"))
    assert acme.runner_auth == Auth(token_file=Path("runners-token"))
    assert acme.organizations.named == (Organization(name="acme-web"), Organization(name="acme-data"))
    assert acme.included.model_dump() == {
        "actions_minutes": 50000,
        "storage_gigabytes": 50,
        "packages_transfer_gigabytes": 100,
        "ai_credits": 19000,
    }
    assert (globex.api_url, globex.ca_file) == ("https://api.globex.ghe.com", Path("globex.pem"))
    assert (globex.runner_auth, globex.organizations.named) == (None, ())
    assert settings.limits.model_dump() == {
        "max_concurrency": 4,
        "rate_limit_reserve": 0.1,
        "max_series_per_metric": 10000,
        "max_response_megabytes": 64,
        "max_pages": 2000,
    }
    options = {collector.name: settings.options_of(collector) for collector in COLLECTORS}
    assert options["runners"].interval == 60
    assert options["license_users"].enabled is False
    assert options["licenses"].model_dump() == {"enabled": None, "interval": None, "max_age": None}


def test_every_setting_accepts_the_edge_of_its_range() -> None:
    """Every setting takes a value at the edge of what is allowed."""
    settings = good("every-setting")
    (acme,) = settings.enterprises
    assert (settings.listen, settings.log_level, settings.log_format) == ("[::1]:9100", "warning", "json")
    assert acme.api_url == "https://github.acme.example:8443/api/v3"
    assert (token(acme.auth), token(acme.runner_auth)) == (TOKEN, f"{TOKEN[:-1]}2")
    assert [organization.name for organization in acme.organizations.named] == ["acme-web", "acme-data", "acme-shop"]
    assert [organization.auth is not None for organization in acme.organizations.named] == [False, True, False]
    assert (acme.included.packages_transfer_gigabytes, acme.included.ai_credits) == (None, 0)
    options = {collector.name: settings.options_of(collector) for collector in COLLECTORS}
    assert (options["licenses"].interval, options["licenses"].max_age) == (5400, 2 * 86400)
    assert options["license_sync"].interval == options["license_sync"].max_age == 10
    assert options["runners"].model_dump()["per_runner"] is False
    assert settings.web.enable_lifecycle is True


def test_slug_and_credential_are_enough() -> None:
    """Slug and credential are enough; the rest has the documented defaults."""
    settings = good("shortest")
    assert settings.model_dump(exclude={"enterprises", "collectors", "limits"}) == {
        "listen": ":10204",
        "state_dir": None,
        "log_level": "info",
        "log_format": "console",
        "web": {"config_file": None, "enable_lifecycle": False},
    }
    assert settings.enterprises[0].api_url == "https://api.github.com"
    for collector in COLLECTORS:
        assert collector.is_enabled(settings.options_of(collector)) is collector.enabled
        assert collector.interval_with(settings.options_of(collector)) == collector.interval


def test_one_enterprise_needs_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """One enterprise needs no file."""
    settings = loaded(
        monkeypatch,
        ENTERPRISE="acme",
        TOKEN=TOKEN,
        API_URL="https://github.acme.example/api/v3/",
        CA_FILE="globex.pem",
        ORGANIZATIONS=" acme-web, acme-data ,",
        BILLING_PLATFORM="legacy",
        LISTEN="127.0.0.1:9100",
        STATE_DIR="state",
        LOG_LEVEL="debug",
        LOG_FORMAT="json",
    )
    (acme,) = settings.enterprises
    assert (acme.slug, token(acme.auth), acme.billing_platform) == ("acme", TOKEN, "legacy")
    assert (acme.api_url, acme.ca_file) == ("https://github.acme.example/api/v3", Path("globex.pem"))
    assert acme.organizations.named == (Organization(name="acme-web"), Organization(name="acme-data"))
    assert (settings.listen, settings.state_dir) == ("127.0.0.1:9100", Path("state"))
    assert (settings.log_level, settings.log_format) == ("debug", "json")


def test_token_file_may_be_set_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token may be in a file, and the names of variables in small letters."""
    settings = loaded(monkeypatch, ENTERPRISE="acme", token_file="acme-token")
    assert settings.enterprises == (Enterprise(slug="acme", auth=Auth(token_file=Path("acme-token"))),)


def test_white_space_around_a_token_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line end after the token, as `echo` writes it, is not part of it."""
    settings = loaded(monkeypatch, ENTERPRISE="acme", TOKEN=f"  {TOKEN}\n")
    assert token(settings.enterprises[0].auth) == TOKEN


FILE = f"""
listen: ":1"
enterprises: [{{slug: acme, auth: {{token: {TOKEN}}}}}]
collectors: {{runners: {{interval: 20s, per_runner: false}}, licenses: {{interval: 1h}}}}
limits: {{max_concurrency: 7, max_pages: 8}}
"""


@pytest.mark.parametrize(
    ("variables", "changed"),
    [
        ({}, {}),
        ({"LISTEN": ":2"}, {"listen": ":2"}),
        ({"LOG_LEVEL": "error"}, {"log_level": "error"}),
        ({"COLLECTORS__RUNNERS__INTERVAL": "30s"}, {"runners interval": 30}),
        ({"collectors__runners__interval": "30s"}, {"runners interval": 30}),
        ({"COLLECTORS__RUNNERS__PER_RUNNER": "true"}, {"per_runner": True}),
        ({"COLLECTORS__RUNNERS": '{"interval": "1m"}'}, {"runners interval": 60}),
        ({"LIMITS__MAX_CONCURRENCY": "9"}, {"max_concurrency": 9}),
        ({"LIMITS": '{"max_pages": 9}'}, {"max_pages": 9}),
        ({"WEB__ENABLE_LIFECYCLE": "true"}, {"enable_lifecycle": True}),
    ],
)
def test_variable_overrides_its_setting_alone(
    variables: dict[str, str], changed: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable overrides its setting in the file and no other; the file overrides the default."""
    settings = loaded(monkeypatch, FILE, **variables)
    collectors = settings.collectors.model_dump()
    assert {
        "listen": settings.listen,
        "log_level": settings.log_level,
        "runners interval": collectors["runners"]["interval"],
        "per_runner": collectors["runners"]["per_runner"],
        "licenses interval": collectors["licenses"]["interval"],
        "max_concurrency": settings.limits.max_concurrency,
        "max_pages": settings.limits.max_pages,
        "enable_lifecycle": settings.web.enable_lifecycle,
    } == {
        "listen": ":1",
        "log_level": "info",
        "runners interval": 20,
        "per_runner": False,
        "licenses interval": 3600,
        "max_concurrency": 7,
        "max_pages": 8,
        "enable_lifecycle": False,
    } | changed


def test_variables_change_the_enterprise_they_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """GHE_EXPORTER_ENTERPRISE says which entry of the file the other variables change."""
    settings = loaded(monkeypatch, TWO, ENTERPRISE="GLOBEX", TOKEN=f"{TOKEN}3", ORGANIZATIONS="globex-web")
    acme, globex = settings.enterprises
    assert (token(acme.auth), [item.name for item in acme.organizations.named]) == (TOKEN, ["acme-web"])
    assert (token(globex.auth), globex.auth.token_file) == (f"{TOKEN}3", None)
    assert [item.name for item in globex.organizations.named] == ["globex-web"]
    assert globex.api_url == "https://api.globex.ghe.com"


def test_variables_change_the_only_enterprise(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one enterprise in the file the variables are about it without its name."""
    settings = loaded(monkeypatch, "enterprises: [{slug: acme, billing_platform: legacy}]", TOKEN=TOKEN)
    (acme,) = settings.enterprises
    assert (acme.slug, acme.billing_platform, token(acme.auth)) == ("acme", "legacy", TOKEN)


def test_variables_add_an_unknown_enterprise(monkeypatch: pytest.MonkeyPatch) -> None:
    """An enterprise that is not in the file is one more."""
    settings = loaded(monkeypatch, TWO, ENTERPRISE="octo", TOKEN=TOKEN)
    assert [enterprise.slug for enterprise in settings.enterprises] == ["acme", "globex", "octo"]


def test_variable_names_the_file(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GHE_EXPORTER_CONFIG names the file."""
    (place / "two.yaml").write_text(TWO)
    assert len(loaded(monkeypatch, CONFIG="two.yaml").enterprises) == 2


@pytest.mark.parametrize(
    ("api_url", "platform"),
    [
        ("https://api.github.com", Platform.CLOUD),
        ("https://api.acme.ghe.com", Platform.CLOUD),
        ("https://github.acme.example/api/v3", Platform.SERVER),
        ("https://github.acme.example/api/v3/", Platform.SERVER),
        ("https://api.github.com/api/v30", Platform.CLOUD),
    ],
)
def test_end_of_api_url_means_server(api_url: str, platform: Platform) -> None:
    """The end of the API's URL means a GitHub Enterprise Server."""
    assert Enterprise(slug="acme", api_url=api_url, auth=Auth(token=SecretStr(TOKEN))).platform is platform


@pytest.mark.parametrize(
    "path",
    [
        ("listen",),
        ("limits", "max_pages"),
        ("web", "enable_lifecycle"),
        ("collectors", "runners"),
        ("collectors", "runners", "interval"),
        ("enterprises", 0, "slug"),
        ("enterprises", 0, "auth", "token"),
        ("enterprises", 0, "included", "actions_minutes"),
        ("enterprises", 0, "organizations", "named", 1, "name"),
    ],
)
def test_settings_cannot_be_changed(path: tuple[str | int, ...]) -> None:
    """Settings cannot be changed at any depth."""
    owner: Any = good("every-setting")
    for part in path[:-1]:
        owner = owner[part] if isinstance(part, int) else getattr(owner, part)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(owner, str(path[-1]), None)


def test_lists_cannot_grow() -> None:
    """Lists of the file cannot grow later."""
    (enterprise,) = good("every-setting").enterprises
    assert isinstance(enterprise.organizations.named, tuple)


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, lambda value: value.model_dump(), lambda value: value.model_dump_json()]
)
def test_printed_settings_hide_tokens(show: Any) -> None:
    """However settings are printed, tokens are not."""
    settings = good("every-setting")
    assert TOKEN in {token(enterprise.auth) for enterprise in settings.enterprises}
    for part in (settings, *settings.enterprises, settings.enterprises[0].auth):
        assert CANARY not in str(show(part))


def test_settings_keep_paths_of_token_files_only() -> None:
    """Settings keep the path of a token file, not what is in it."""
    assert CANARY.encode() not in pickle.dumps(good("shortest").model_dump())


@pytest.mark.parametrize("written", ["2022-11-28", "2026-03-10", date(2026, 3, 10)])
def test_api_version_may_be_a_date_of_yaml(written: object) -> None:
    """YAML reads an unquoted version as a date."""
    enterprise = {"slug": "acme", "auth": {"token": "octo"}, "api_version": written}
    (read,) = Settings.model_validate({"enterprises": [enterprise]}).enterprises
    assert read.api_version == str(written)


@pytest.mark.parametrize("written", ["", "2022", "latest", "2022-11-28\r\nX: 1", 20221128, None, ["2022-11-28"]])
def test_api_version_that_is_no_date_is_refused(written: object) -> None:
    """The error says what it looks like."""
    enterprise = {"slug": "acme", "auth": {"token": "octo"}, "api_version": written}
    with pytest.raises(ValidationError, match="must be the date of a version of GitHub's REST API, such as 2022-11-28"):
        Settings.model_validate({"enterprises": [enterprise]})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("auto", {"auto": True}),
        (" AUTO ", {"auto": True}),
        ("acme-web, acme-data", {"named": ["acme-web", "acme-data"]}),
        ('{"auto": true, "exclude": ["*-old"]}', {"auto": True, "exclude": ["*-old"]}),
        ('{"named": [{"name": "acme-web"}]}', {"named": ["acme-web"]}),
    ],
)
def test_organizations_of_an_environment_variable(
    monkeypatch: pytest.MonkeyPatch, written: str, expected: dict[str, Any]
) -> None:
    """A variable holds a list, the word auto, or the mapping as JSON."""
    monkeypatch.setenv("GHE_EXPORTER_ENTERPRISE", "acme")
    monkeypatch.setenv("GHE_EXPORTER_TOKEN", TOKEN)
    monkeypatch.setenv("GHE_EXPORTER_ORGANIZATIONS", written)
    (acme,) = loading.load().enterprises
    assert acme.organizations == Organizations.model_validate(expected)


def test_label_set_of_properties_is_that_of_all_enterprises() -> None:
    """The family has the same labels everywhere, in the order of the settings."""
    auth = {"token": TOKEN}
    enterprises = [
        {"slug": "acme", "auth": auth, "organization_properties": ["team", "Cost-Center"]},
        {"slug": "globex", "auth": auth, "organization_properties": ["region", "Team"]},
    ]
    assert Settings.model_validate({"enterprises": enterprises}).property_labels == ("team", "cost_center", "region")
