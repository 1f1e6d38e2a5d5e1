"""The web configuration file: what is taken and what is refused, in one line that repeats no secret."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from structlog.testing import capture_logs

from exporter.errors import ConfigurationError
from exporter.web.protection.protection import LiveProtection, Protection, protection
from exporter.web.protection.toolkit import read
from tests.support.certificates import PASSWORD, authority, hashed, install, issue, web_config

TLS = {"cert_file": "server.crt", "key_file": "server.key"}
CA = {"client_ca_file": "ca.crt", "client_auth_type": "RequireAndVerifyClientCert"}
SECTION = "tls_server_config"
REPEATED = "basic_auth_users:\n  octo: a\n  octo: b\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with certificates."""
    install(tmp_path, issue(issuer=authority()))
    install(tmp_path, issue(), "other")
    install(tmp_path, authority(), "ca")
    install(tmp_path, issue(), "locked", password=b"Canary")
    (tmp_path / "empty").touch()
    (tmp_path / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nCanary\n-----END CERTIFICATE-----\n")
    return tmp_path


def written(folder: Path, document: Any) -> Path:
    """A file of this content, as YAML unless it is text."""
    path = folder / "web.yml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    "document",
    [
        {},
        "",
        "# nothing\n",
        {SECTION: None, "http_server_config": None, "basic_auth_users": None, "rate_limit": None},
        {"http_server_config": {"http2": None, "headers": None}, "rate_limit": {"interval": None, "burst": None}},
        {"http_server_config": {"headers": {"X-XSS-Protection": 0}}},
        {SECTION: TLS},
        {SECTION: TLS | {"client_auth_type": None, "client_ca_file": None, "min_version": None, "cipher_suites": None}},
        {SECTION: TLS | {"client_auth_type": ""}},
        {SECTION: TLS | {"client_auth_type": "RequestClientCert"}},
        {SECTION: TLS | CA | {"client_allowed_sans": ["prometheus.acme.example.com"]}},
        {SECTION: TLS | {"min_version": "TLS10", "max_version": "TLS12", "prefer_server_cipher_suites": False}},
        {SECTION: TLS | {"cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"]}},
        {SECTION: TLS | {"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}},
        {SECTION: TLS | {"curve_preferences": ["CurveP384"]}},
        {SECTION: TLS | {"curve_preferences": ["X25519", "CurveP256", "CurveP521"]}},
        {"http_server_config": {"http2": False, "headers": {"X-Frame-Options": "deny", "X-XSS-Protection": ""}}},
        {"basic_auth_users": {"octo": hashed(), "acme": hashed().replace("$2b$", "$2y$")}},
        {"basic_auth_users": {7: hashed()}},
        {"basic_auth_users": {}},
        {"rate_limit": {"interval": "1s", "burst": 20}},
        {"rate_limit": {"interval": 0}},
    ],
)
def test_files_that_the_toolkit_accepts_are_accepted(folder: Path, document: Any) -> None:
    """All forms of its documentation."""
    assert isinstance(protection(written(folder, document)), Protection)


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ("[]", ": must be a mapping of settings"),
        (REPEATED, ", line 3, column 3: not YAML: the key octo for the second time"),
        ({"tls_config": {}}, ": tls_config: there is no such setting; did you mean tls_server_config?"),
        ({"Canary $2b$": {}}, ": <redacted>: there is no such setting"),
        ({"rate_limit": []}, ": rate_limit: must be a mapping of settings"),
        ({"tls_config": None}, ": tls_config: there is no such setting; did you mean tls_server_config?"),
        ({SECTION: TLS | {"cert_file": None}}, ": tls_server_config.cert_file: is missing"),
        ({SECTION: TLS | {"cipher_suites": "octo"}}, ": tls_server_config.cipher_suites: must be a list"),
        ({"http_server_config": {"http2": "no"}}, ": http_server_config.http2: must be true or false"),
        ({SECTION: {}}, ": tls_server_config.cert_file: is missing"),
        ({SECTION: {"cert_file": "server.crt"}}, ": tls_server_config.key_file: is missing"),
        ({SECTION: TLS | {"cert_file": 5}}, ": tls_server_config.cert_file: must be the path of a file"),
        ({SECTION: TLS | {"key_file": " "}}, ": tls_server_config.key_file: must be the path of a file"),
        (
            {SECTION: TLS | {"certfile": "x"}},
            ": tls_server_config.certfile: there is no such setting; did you mean cert_file?",
        ),
        (
            {SECTION: TLS | {"cert_file": "nothing"}},
            ": tls_server_config.cert_file: cannot read {folder}/nothing: No such file or directory",
        ),
        (
            {SECTION: TLS | {"cert_file": "empty"}},
            ": tls_server_config.cert_file: {folder}/empty holds no certificate in PEM form",
        ),
        (
            {SECTION: TLS | {"key_file": "server.crt"}},
            ": tls_server_config.key_file: {folder}/server.crt holds no private key in PEM form",
        ),
        (
            {SECTION: TLS | {"key_file": "other.key"}},
            ": tls_server_config.key_file: is not the key of the certificate in cert_file",
        ),
        (
            {SECTION: {"cert_file": "locked.crt", "key_file": "locked.key"}},
            ": tls_server_config.key_file: is encrypted; there is nobody to ask for its password",
        ),
        (
            {SECTION: TLS | {"key": "Canary"}},
            ": tls_server_config: key is not supported within the file; use key_file",
        ),
        (
            {SECTION: TLS | {"client_auth_type": "RequireAnyClientCert"}},
            (
                ": tls_server_config.client_auth_type: RequireAnyClientCert would accept any certificate "
                "and is not supported; use RequireAndVerifyClientCert with client_ca_file"
            ),
        ),
        (
            {SECTION: TLS | {"client_auth_type": "Always"}},
            (
                ": tls_server_config.client_auth_type: must be 'NoClientCert', 'RequestClientCert', "
                "'VerifyClientCertIfGiven' or 'RequireAndVerifyClientCert'"
            ),
        ),
        (
            {SECTION: TLS | {"client_auth_type": "VerifyClientCertIfGiven"}},
            ": tls_server_config: client_auth_type VerifyClientCertIfGiven needs client_ca_file",
        ),
        (
            {SECTION: TLS | {"client_ca_file": "ca.crt"}},
            ": tls_server_config: client_ca_file has no effect without client_auth_type RequireAndVerifyClientCert",
        ),
        (
            {SECTION: TLS | CA | {"client_ca_file": "empty"}},
            ": tls_server_config.client_ca_file: {folder}/empty holds no certificate in PEM form",
        ),
        (
            {SECTION: TLS | {"client_allowed_sans": ["octo"]}},
            ": tls_server_config: client_allowed_sans needs client_auth_type RequireAndVerifyClientCert",
        ),
        (
            {SECTION: TLS | {"min_version": "SSL30"}},
            ": tls_server_config.min_version: must be 'TLS10', 'TLS11', 'TLS12' or 'TLS13'",
        ),
        (
            {SECTION: TLS | {"min_version": "TLS13", "max_version": "TLS12"}},
            ": tls_server_config: min_version is newer than max_version",
        ),
        (
            {SECTION: TLS | {"cipher_suites": ["TLS_AES_128_GCM_SHA256"], "max_version": "TLS12"}},
            ": tls_server_config.cipher_suites: none of them is for the TLS versions that are allowed",
        ),
        (
            {SECTION: TLS | {"curve_preferences": ["CurveP224"]}},
            (
                ": tls_server_config.curve_preferences[0]: there is no such curve; "
                "there are CurveP256, CurveP384, CurveP521, X25519"
            ),
        ),
        (
            {SECTION: TLS | {"prefer_server_cipher_suites": "perhaps"}},
            ": tls_server_config.prefer_server_cipher_suites: must be true or false",
        ),
        ({"basic_auth_users": ["Canary"]}, ": basic_auth_users: must be a mapping"),
        (
            {"basic_auth_users": {"octo": PASSWORD}},
            ": basic_auth_users: entry 1: must be a bcrypt hash, as htpasswd -nBC 10 NAME prints it",
        ),
        (
            {"basic_auth_users": {"acme": hashed(), "octo": hashed()[:-1]}},
            ": basic_auth_users: entry 2: must be a bcrypt hash, as htpasswd -nBC 10 NAME prints it",
        ),
        (
            {"basic_auth_users": {"octo": "$2b$04$" + "a" * 53}},
            ": basic_auth_users: entry 1: must be a bcrypt hash, as htpasswd -nBC 10 NAME prints it",
        ),
        (
            {"basic_auth_users": {"octo": hashed().replace("$04$", "$31$")}},
            ": basic_auth_users: entry 1: the cost of the bcrypt hash must be 4 to 15",
        ),
        (
            {"basic_auth_users": {"Canary:x": hashed()}},
            ": basic_auth_users: entry 1: the name of the user must be text without a colon; quote a number",
        ),
        (
            {"http_server_config": {"headers": {"Set-Cookie": "Canary"}}},
            (
                ": http_server_config.headers: Set-Cookie cannot be set; Content-Security-Policy, "
                "Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection can"
            ),
        ),
        (
            {"http_server_config": {"headers": {"X-Frame-Options": "allow"}}},
            ": http_server_config.headers: X-Frame-Options must be deny or sameorigin",
        ),
        (
            {"http_server_config": {"headers": {"X-XSS-Protection": "0\r\nSet-Cookie: Canary"}}},
            ": http_server_config.headers: X-XSS-Protection must be one line of plain text",
        ),
        (
            {"rate_limit": {"interval": "1s"}},
            ": rate_limit: burst must be at least 1, or every request is refused",
        ),
        (
            {"rate_limit": {"interval": 1, "burst": 5}},
            ": rate_limit.interval: is not a duration; write it with a unit, as 60s, 15m or 6h",
        ),
    ],
)
def test_error_names_the_file_and_the_setting(folder: Path, document: Any, line: str) -> None:
    """It contains no user, hash or password."""
    path = written(folder, document)
    with pytest.raises(ConfigurationError) as caught:
        protection(path)
    message = str(caught.value)
    assert message == str(path) + line.format(folder=folder)
    assert "Canary" not in message
    assert "$2" not in message


@pytest.mark.parametrize("document", ["", "{}", "basic_auth_users:\n"])
def test_empty_file_protects_nothing(folder: Path, document: str) -> None:
    """The log says so."""
    with capture_logs() as logged:
        now = LiveProtection(written(folder, document)).current()
    assert (now.tls, bool(now.passwords), now.rate_limiter) == (None, False, None)
    assert [entry["event"] for entry in logged] == ["web configuration is empty, nothing is protected"]


def test_broken_certificate_is_named(folder: Path) -> None:
    """It has the form of a certificate and is none."""
    with pytest.raises(ConfigurationError, match=r"tls_server_config\.cert_file, key_file: cannot be used: \w+"):
        protection(written(folder, {SECTION: TLS | {"cert_file": "broken.crt"}}))
    with pytest.raises(ConfigurationError, match=r"tls_server_config\.client_ca_file: cannot be used: \w+"):
        protection(written(folder, {SECTION: TLS | CA | {"client_ca_file": "broken.crt"}}))


def test_missing_file_is_a_configuration_error(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(ConfigurationError, match=r"cannot read the web configuration .*web\.yml: No such file"):
        protection(tmp_path / "web.yml")


def test_paths_are_relative_to_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to the working directory."""
    (folder / "elsewhere").mkdir()
    path = web_config(folder, tls={})
    monkeypatch.chdir(folder / "elsewhere")
    assert protection(path).tls is not None


def test_no_hash_in_the_representation(folder: Path) -> None:
    """Printing the settings shows no hash."""
    assert "$2b$" not in repr(read(written(folder, {"basic_auth_users": {"octo": hashed()}})))
