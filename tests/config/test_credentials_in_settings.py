"""A credential in any setting, by file, environment or flag, is refused and never repeated."""

import base64
import os
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
import yaml
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from pydantic import BaseModel

from exporter.cli import main
from exporter.config import loading
from exporter.config.environment import PREFIX
from exporter.config.loading import EnvironmentEnterprise
from exporter.config.settings import Settings
from exporter.errors import ConfigurationError
from exporter.web.protection.toolkit import WebFile
from tests.support.programs import run

WINDOW = 8
"""So many characters of a secret in a row are a leak; fewer may be chance."""
COMMANDS = {
    "serve": ("--web.config.file", "none", "cannot read the web configuration none"),
    "collect": ("--output", "none/metrics", "--output: there is no folder"),
}
"""Commands that load the settings, each with an option that ends it with 2 after that, and what is said then."""
HEADERS = ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "OPENSSH PRIVATE KEY")
PLACES = st.sampled_from(["{}", "{}\n", " {}", "./{}", "/dev/null/{}", '"{}"', "{}.txt", "file:{}", "{} second word"])


def words(alphabet: str, size: int) -> st.SearchStrategy[str]:
    """Random text of a fixed size."""
    return st.text(alphabet, min_size=size, max_size=size)


ALPHANUMERIC = string.ascii_letters + string.digits
URL_SAFE = f"{ALPHANUMERIC}-_"
CLASSIC = st.builds(lambda kind, rest: f"gh{kind}_{rest}", st.sampled_from("pousr"), words(ALPHANUMERIC, 36))
FINE_GRAINED = st.builds(
    lambda head, tail: f"github_pat_{head}_{tail}", words(ALPHANUMERIC, 22), words(ALPHANUMERIC, 59)
)
APP = st.builds(
    lambda app, head, claims, signature: f"ghs_{app}_{head}.{claims}.{signature}",
    st.integers(100_000, 9_999_999),
    words(URL_SAFE, 36),
    words(URL_SAFE, 128),
    words(URL_SAFE, 342),
)
OLD = words("0123456789abcdef", 39).map("a{}".format)  # with a letter, or it is a number
PEM = st.builds(
    lambda header, lines: "\n".join([f"-----BEGIN {header}-----", *lines, f"-----END {header}-----"]),
    st.sampled_from(HEADERS),
    st.lists(words(f"{ALPHANUMERIC}+/", 64), min_size=1, max_size=25),
)
TOKENS = CLASSIC | FINE_GRAINED | APP | OLD
SCHEMES = st.sampled_from(["{}", "Bearer {}", "Authorization: Bearer {}", "authorization: token {}", "Basic {}"])
ENCODED = st.builds(
    lambda scheme, token: base64.b64encode(scheme.format(token).encode()).decode(), SCHEMES, CLASSIC | FINE_GRAINED
)
PLAIN_HEADER = st.builds(
    lambda scheme, token: scheme.format(token), st.sampled_from(["Bearer {}", "Authorization: token {}"]), TOKENS
)
CREDENTIALS = st.builds(lambda place, text: place.format(text), PLACES, TOKENS | PEM | ENCODED | PLAIN_HEADER)


def leaked(secret: str, shown: str) -> str:
    """The first piece of *secret*, prefixes and PEM headers apart, that *shown* repeats; empty if there is none."""
    body = "\n".join(line for line in secret.splitlines() if "-----" not in line)
    for known in ("github_pat_", "Authorization", "authorization", "/dev/null/", "second word"):
        body = body.replace(known, "\n")
    pieces = (line[start : start + WINDOW] for line in body.splitlines() for start in range(len(line) - WINDOW + 1))
    return next((piece for piece in pieces if piece.lower() in shown.lower()), "")


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    if get_origin(annotation) is not None or get_origin(annotation) in {Union, UnionType}:
        for argument in get_args(annotation):
            yield from models(argument)


def leaves(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every setting that holds no others; lists and sections themselves too."""
    for name, field in model.model_fields.items():
        yield (*above, name)
        for inner in models(field.annotation):
            yield from leaves(inner, (*above, name))


LISTS = {"enterprises", "organizations", "named", "include", "exclude"}
SETTINGS = tuple(path for path in leaves(Settings) if path[-1] != "token")
VARIABLES = (
    *(name.upper() for name in EnvironmentEnterprise.model_fields if name != "token"),
    "CONFIG",
    *("__".join(path).upper() for path in SETTINGS if path[0] != "enterprises"),
)
FLAGS: tuple[tuple[str, ...], ...] = (
    *((command, "--config", "{}") for command in (*COMMANDS, "check")),
    ("serve", "--web.config.file", "{}"),
    ("demo", "--web.config.file", "{}"),
    ("collect", "--output", "{}"),
    ("collect", "--{}"),
    ("collect", "{}"),
    ("{}",),
    ("{}", "--config", "x"),
    ("demo", "--listen", "{}"),
    ("demo", "--users", "{}"),
    ("demo", "--seed", "{}"),
    ("simulate", "--listen", "{}"),
    ("simulate", "--listen", "{}:1"),
    ("simulate", "--fault", "{}"),
    ("simulate", "--fault", "{}=1"),
    ("simulate", "--fault", "http-500=1@{}"),
    ("simulate", "--latency-ms", "{}"),
    ("healthcheck", "--url", "{}"),
    ("healthcheck", "--url", "http://{}@127.0.0.1:1"),
    ("docs", "--check={}"),
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("demo")
    return tmp_path


def result(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and everything that is shown."""
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1, err
    return code, out + err


def is_refused(setting: str, secret: str, command: str, capsys: pytest.CaptureFixture[str], *more: str) -> bool:
    """Whether *command* refuses the settings in one line without the secret; a folder may be called like one."""
    option, value, later = COMMANDS[command]
    code, shown = result(capsys, command, option, value, *more)
    assert (code, leaked(secret, shown)) == (2, "")
    return later not in shown or ("/dev/null/" in secret and setting.endswith(("file", "dir", "config")))


def document(path: tuple[str, ...], value: object) -> dict[str, Any]:
    """Settings that are right, but for *value* at *path*."""
    whole: dict[str, Any] = {"enterprises": [{"slug": "acme", "auth": {"token_file": "token"}}]}
    owner: Any = whole
    for part in path[:-1]:
        inner = owner.setdefault(part, [{}] if part in LISTS else {})
        if isinstance(inner, list) and not inner:
            inner.append({})
        owner = inner[0] if isinstance(inner, list) else inner
    owner[path[-1]] = value
    return whole


EFFORT = effort(
    max_examples=5 if os.environ.get("CI") == "true" else 1,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
@EFFORT
@given(secret=CREDENTIALS, command=st.sampled_from(sorted(COMMANDS)))
def test_setting_of_the_file(
    path: tuple[str, ...], secret: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a file, a credential in the place of any setting ends in exit code 2 and one line without it."""
    Path("settings.yaml").write_text(yaml.safe_dump(document(path, secret)))
    assert is_refused(path[-1], secret, command, capsys, "--config", "settings.yaml")


@pytest.mark.parametrize("path", SETTINGS, ids=".".join)
@EFFORT
@given(secret=CREDENTIALS)
def test_key_of_the_file(path: tuple[str, ...], secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A credential in the place of a key is refused like any unknown key."""
    Path("settings.yaml").write_text(yaml.safe_dump(document((*path[:-1], secret), "x")))
    code, shown = result(capsys, "collect", "--config", "settings.yaml")
    assert (code, leaked(secret, shown)) == (2, "")


@pytest.mark.parametrize("variable", VARIABLES)
@EFFORT
@given(secret=CREDENTIALS, command=st.sampled_from(sorted(COMMANDS)))
def test_variable(variable: str, secret: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In the environment as well."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(f"{PREFIX}ENTERPRISE", "acme")
        environment.setenv(f"{PREFIX}TOKEN_FILE", "token")
        environment.setenv(PREFIX + variable, secret)
        assert is_refused(variable.lower(), secret, command, capsys)


@EFFORT
@given(secret=CREDENTIALS)
def test_name_of_a_variable(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A variable may even be called like a credential."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(PREFIX + secret.replace("=", ""), "x")
        code, shown = result(capsys, "collect")
    assert (code, leaked(secret, shown)) == (2, "")


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
@EFFORT
@given(secret=CREDENTIALS)
def test_flag(flags: tuple[str, ...], secret: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the command line as well; nothing is created by that name."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(f"{PREFIX}ENTERPRISE", "acme")
        environment.setenv(f"{PREFIX}TOKEN_FILE", "token")
        environment.setenv(f"{PREFIX}API_URL", "http://127.0.0.1:9")
        code, shown = result(capsys, *(flag.format(secret) for flag in flags))
    assert (code, leaked(secret, shown)) == (1 if flags[0] == "healthcheck" else 2, "")
    assert {path.name for path in place.iterdir()} <= {"token", "settings.yaml"}


@EFFORT
@given(secret=CREDENTIALS)
def test_token_that_is_none(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a token belongs, one with white space, quotes or in base64 is refused without being repeated."""
    refused = any(character in secret.strip() for character in '" \n') or not secret.isascii()
    Path("settings.yaml").write_text(yaml.safe_dump({"enterprises": [{"slug": "acme", "auth": {"token": secret}}]}))
    if refused:
        code, shown = result(capsys, "check", "--config", "settings.yaml")
        assert (code, leaked(secret, shown)) == (2, "")
    else:
        try:
            shown = repr(loading.load(Path("settings.yaml")))
        except ConfigurationError as error:
            shown = str(error)
        assert not leaked(secret, shown)


@pytest.mark.parametrize(
    "variables",
    [
        {"TOKEN_FILE": "{}"},
        {"PRIVATE_KEY_FILE": "{}", "APP_ID": "1"},
        {"PRIVATE_KEY_FILE": "/none", "APP_ID": "{}"},
        {"TOKEN": "demo", "CA_FILE": "{}"},
        {"TOKEN": "demo", "ENTERPRISE": "{}"},
        {"TOKEN": "demo", "STATE_DIR": "{}"},
    ],
)
def test_process(variables: Mapping[str, str]) -> None:
    """The real program ends with 2 and one line, for the newest kind of token."""
    secret = f"ghs_1234567_{'eyJhbGciOiJSUzI1NiJ9'}.{'Canary' * 25}-_.{'aB3-' * 80}"
    filled = {"ENTERPRISE": "acme"} | {name: text.format(secret) for name, text in variables.items()}
    done = run("collect", **filled)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)
    assert not leaked(secret, done.err)
    assert PREFIX in done.err


WEB_SETTINGS = tuple(path for path in leaves(WebFile) if path[0] != "basic_auth_users")


@pytest.mark.parametrize("path", WEB_SETTINGS, ids=".".join)
@EFFORT
@given(secret=CREDENTIALS)
def test_setting_of_the_web_configuration(
    path: tuple[str, ...], secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the web configuration, too; its paths are beside the file that names them."""
    whole: dict[str, Any] = {}
    owner = whole
    for part in path[:-1]:
        owner = owner.setdefault(part, {"cert_file": "a", "key_file": "b"} if part == "tls_server_config" else {})
    owner[path[-1]] = secret
    Path("web.yaml").write_text(yaml.safe_dump(whole))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(f"{PREFIX}ENTERPRISE", "acme")
        environment.setenv(f"{PREFIX}TOKEN_FILE", "token")
        code, shown = result(capsys, "serve", "--web.config.file", "web.yaml")
    assert (code, leaked(secret, shown)) == (2, "")


@EFFORT
@given(secret=CREDENTIALS)
def test_users_of_the_web_configuration(secret: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A password in the place of a name or of a hash is not repeated either."""
    for users in ({secret: "x"}, {"octo": secret}, {"octo:": secret}):
        Path("web.yaml").write_text(yaml.safe_dump({"basic_auth_users": users}))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv(f"{PREFIX}ENTERPRISE", "acme")
            environment.setenv(f"{PREFIX}TOKEN_FILE", "token")
            code, shown = result(capsys, "serve", "--web.config.file", "web.yaml")
        assert (code, leaked(secret, shown)) == (2, "")
