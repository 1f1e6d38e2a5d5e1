"""Settings of a GitHub App: what is accepted, and what is said of the rest."""

from pathlib import Path

import pytest

from exporter.cli import main
from exporter.config import loading
from exporter.config.auth import Auth
from exporter.config.environment import own_environment
from exporter.errors import ConfigurationError
from exporter.runtime.clients import readers_of
from tests.support.app_keys import pem, wrong_keys
from tests.support.secret_marker import TOKEN, furnish, the_line

NO_KEY = "holds no private key of a GitHub App: an RSA key as PEM text, without a passphrase"
BOTH = "a GitHub App needs both app_id and private_key_file"
ONE_OF = "give exactly one of token, token_file, and app_id with private_key_file"
APP_ID = "must be the number or the client id of the GitHub App"
ITSELF = "is a credential itself; it must be the path of a file"
ELSEWHERE = "holds a credential; put that into a file"
NO_ID = "does not hold the number or the client id of a GitHub App, and nothing else"
ID_FILE = ": enterprises[0].auth.app_id_file: "
KEY_FILE = ": enterprises[0].auth.private_key_file: "


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with keys to work in, and none of our variables set."""
    furnish(tmp_path)
    (tmp_path / "app.pem").write_text(pem())
    (tmp_path / "app-id").write_text("12345")
    for name, content in wrong_keys().items():
        (tmp_path / f"{name.replace(' ', '-')}.pem").write_text(content)
    monkeypatch.chdir(tmp_path)
    for name in own_environment():
        monkeypatch.delenv(name)
    return tmp_path


def written(auth: str) -> Path:
    """A file with one enterprise and that credential."""
    path = Path("settings.yaml")
    path.write_text(f"enterprises: [{{slug: acme, auth: {auth}}}]\n")
    return path


@pytest.mark.parametrize("app_id", ["12345", '"12345"', "Iv23liOctoOcto", "Iv1.0123456789abcdef"])
def test_number_or_client_id_with_key_is_accepted(app_id: str) -> None:
    """Number, with or without quotes, or client id; with the key."""
    (acme,) = loading.load(written(f"{{app_id: {app_id}, private_key_file: app.pem}}")).enterprises
    assert acme.auth == Auth(app_id=app_id.strip('"'), private_key_file=Path("app.pem"))


def test_every_credential_may_be_an_app() -> None:
    """Every credential may be an App, each a different one."""
    app = "{app_id: 1, private_key_file: app.pem}"
    path = Path("settings.yaml")
    path.write_text(
        f"enterprises: [{{slug: acme, auth: {app}, runner_auth: {{token: {TOKEN}}}, "
        f"organizations: [{{name: acme-web, auth: {app}}}]}}]\n"
    )
    (acme,) = loading.load(path).enterprises
    assert acme.organizations.named[0].auth == acme.auth


@pytest.mark.parametrize("content", ["12345", "Iv23liOctoOcto\n"])
def test_app_id_is_read_from_a_file(content: str, place: Path) -> None:
    """Where the number is kept beside the key, as in a secret of Kubernetes, a file holds it."""
    (place / "app-id").write_text(content)
    (acme,) = loading.load(written("{app_id_file: app-id, private_key_file: app.pem}")).enterprises
    assert acme.auth == Auth(app_id_file=Path("app-id"), private_key_file=Path("app.pem"))
    read = readers_of(acme.auth)[0]
    assert read() == content.strip()
    (place / "app-id").write_text("another")
    assert read() == "another"


def test_environment_replaces_the_credential_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment alone describes one enterprise and replaces what a file says of its credential."""
    monkeypatch.setenv("GHE_EXPORTER_ENTERPRISE", "acme")
    monkeypatch.setenv("GHE_EXPORTER_APP_ID", "12345")
    monkeypatch.setenv("GHE_EXPORTER_PRIVATE_KEY_FILE", "app.pem")
    for settings in (loading.load(), loading.load(written(f"{{token: {TOKEN}}}"))):
        assert settings.enterprises[0].auth == Auth(app_id="12345", private_key_file=Path("app.pem"))


BAD = {
    "{app_id: 12345}": f": enterprises[0].auth: {BOTH}",
    "{private_key_file: app.pem}": f": enterprises[0].auth: {BOTH}",
    "{app_id: 1, private_key_file: app.pem, token_file: acme-token}": f": enterprises[0].auth: {ONE_OF}",
    f"{{app_id: 1, token: {TOKEN}}}": f": enterprises[0].auth: {ONE_OF}",
    "{app_id: true, private_key_file: app.pem}": ": enterprises[0].auth.app_id: must be text",
    "{app_id: -1, private_key_file: app.pem}": f": enterprises[0].auth.app_id: {APP_ID}",
    '{app_id: "", private_key_file: app.pem}': f": enterprises[0].auth.app_id: {APP_ID}",
    "{app_id: acme app, private_key_file: app.pem}": f": enterprises[0].auth.app_id: {APP_ID}",
    f"{{app_id: {TOKEN}, private_key_file: app.pem}}": f": enterprises[0].auth.app_id: {ELSEWHERE}",
    "{app_id_file: app-id}": f": enterprises[0].auth: {BOTH}",
    "{app_id_file: acme-token, app_id: 1, private_key_file: app.pem}": f"{ID_FILE}the file acme-token {NO_ID}",
    "{app_id_file: app.pem, private_key_file: app.pem}": f"{ID_FILE}the file app.pem {NO_ID}",
    "{app_id_file: empty-token, private_key_file: app.pem}": f"{ID_FILE}the file empty-token {NO_ID}",
    "{app_id_file: none, private_key_file: app.pem}": f"{ID_FILE}cannot read the file none: No such file or directory",
    "{app_id: 1, app_id_file: app-id, private_key_file: app.pem}": ": enterprises[0].auth: give one of app_id and",
    f"{{app_id_file: {TOKEN}, private_key_file: app.pem}}": f"{ID_FILE}{ITSELF}",
    "{app_id: 1, private_key_file: none.pem}": f"{KEY_FILE}cannot read the file none.pem: No such file or directory",
    "{app_id: 1, private_key_file: folder}": f"{KEY_FILE}cannot read the file folder: Is a directory",
    "{app_id: 1, private_key_file: empty-token}": f"{KEY_FILE}the file empty-token is empty",
    "{app_id: 1, private_key_file: binary-token}": f"{KEY_FILE}the file binary-token is not UTF-8 text",
    "{app_id: 1, private_key_file: globex.pem}": f"{KEY_FILE}the file globex.pem {NO_KEY}",
    **{
        f"{{app_id: 1, private_key_file: {name}.pem}}": f"{KEY_FILE}the file {name}.pem {NO_KEY}"
        for name in ("public", "elliptic", "encrypted", "cut-off", "without-its-first-line", "a-token")
    },
    '{app_id: 1, private_key_file: "-----BEGIN RSA PRIVATE KEY-----\\nCanary\\n"}': f"{KEY_FILE}{ITSELF}",
    f"{{app_id: 1, private_key_file: {'Canary' * 200}}}": f"{KEY_FILE}is too long to be the path of a file",
    f"{{app_id: 1, private_key_file: {TOKEN}}}": f"{KEY_FILE}{ITSELF}",
}


@pytest.mark.parametrize(("auth", "said"), BAD.items())
def test_bad_credential_in_the_file_is_one_line(auth: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Anything else ends with exit code 2 and one line that names the setting, without what may be a secret."""
    assert main(["collect", "--config", str(written(auth))]) == 2
    assert the_line(capsys.readouterr().err).startswith(f"settings.yaml{said}")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"APP_ID": "12345"}, f"GHE_EXPORTER_APP_ID: {BOTH}"),
        ({"PRIVATE_KEY_FILE": "app.pem"}, f"GHE_EXPORTER_PRIVATE_KEY_FILE: {BOTH}"),
        ({"APP_ID": "a b", "PRIVATE_KEY_FILE": "app.pem"}, f"GHE_EXPORTER_APP_ID: {APP_ID}"),
        (
            {"APP_ID": "1", "PRIVATE_KEY_FILE": "public.pem"},
            f"GHE_EXPORTER_PRIVATE_KEY_FILE: the file public.pem {NO_KEY}",
        ),
        ({"APP_ID": "1", "PRIVATE_KEY_FILE": "app.pem", "TOKEN": TOKEN}, f"GHE_EXPORTER_APP_ID: {ONE_OF}"),
    ],
)
def test_bad_credential_in_the_environment_names_the_variable(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line names the variable."""
    monkeypatch.setenv("GHE_EXPORTER_ENTERPRISE", "acme")
    for name, value in variables.items():
        monkeypatch.setenv(f"GHE_EXPORTER_{name}", value)
    with pytest.raises(ConfigurationError) as caught:
        loading.load()
    assert str(caught.value) == said
