"""The web configuration file of Prometheus' exporter-toolkit, as its documentation describes it.

`exporter.web.protection.tls` makes a TLS context of it and `exporter.web.protection.passwords` checks the users.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from exporter.config.hints import hint, spell
from exporter.config.messages import describe_error, redact_key
from exporter.config.misplaced import refuse_in_document
from exporter.config.yaml_file import read_mapping
from exporter.duration import parse_duration
from exporter.errors import ConfigurationError
from exporter.redaction import describe_path
from exporter.regular_file import check_path
from exporter.web.protection.tls_names import CURVES, SUITES, TLS_13_SUITES

Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
ClientAuth = Literal["NoClientCert", "RequestClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"]

UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")
VERIFYING = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
USERS = "basic_auth_users"
"""A credential here is refused by its form alone, and its value, a hash, looks like one."""
COSTS = range(4, 16)
"""Beyond it a single guess takes a core for many seconds."""
HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that the toolkit lets one set, and to which values if not to any."""


def _beside_the_file(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be the path of a file")
    check_path(value)
    folder: Path = (info.context or {}).get("folder", Path())
    return folder / value


def _client_auth(value: Any) -> Any:
    if value in UNVERIFIED:
        raise ValueError(
            f"{value} would accept any certificate and is not supported; "
            "use RequireAndVerifyClientCert with client_ca_file"
        )
    return value or "NoClientCert"


def _known(what: str, names: frozenset[str]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"there is no such {what}; there are {', '.join(sorted(names))}")
        return value

    return AfterValidator(check)


def _interval(value: Any) -> float:
    return 0.0 if value in {0, "0"} else parse_duration(value)


FilePath = Annotated[Path, BeforeValidator(_beside_the_file)]
Suite = Annotated[str, _known("cipher suite", frozenset(SUITES) | TLS_13_SUITES)]
Curve = Annotated[str, _known("curve", frozenset(CURVES))]


class Part(BaseModel):
    """A part of the file; a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, document: Any) -> Any:
        # A key without a value means the default, as in the toolkit.
        if not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if value is not None or key not in cls.model_fields}


class TlsServerConfig(Part):
    """TLS of the listening socket."""

    cert_file: FilePath
    key_file: FilePath
    client_auth_type: Annotated[ClientAuth, BeforeValidator(_client_auth)] = "NoClientCert"
    client_ca_file: FilePath | None = None
    client_allowed_sans: list[str] | None = None
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: list[Suite] = []
    curve_preferences: list[Curve] = []
    prefer_server_cipher_suites: StrictBool = True

    @model_validator(mode="before")
    @classmethod
    def _in_files(cls, document: Any) -> Any:
        for name in ("cert", "key", "client_ca"):
            if isinstance(document, dict) and name in document:
                raise ValueError(f"{name} is not supported within the file; use {name}_file")
        return document

    @model_validator(mode="after")
    def _consistent(self) -> "TlsServerConfig":
        if self.min_version > self.max_version:
            raise ValueError("min_version is newer than max_version")
        verifies = self.client_auth_type in VERIFYING
        if verifies and self.client_ca_file is None:
            raise ValueError(f"client_auth_type {self.client_auth_type} needs client_ca_file")
        if self.client_ca_file is not None and not verifies:
            raise ValueError("client_ca_file has no effect without client_auth_type RequireAndVerifyClientCert")
        if self.client_allowed_sans is not None and self.client_auth_type != "RequireAndVerifyClientCert":
            raise ValueError("client_allowed_sans needs client_auth_type RequireAndVerifyClientCert")
        return self


class HttpServerConfig(Part):
    """What is particular to HTTP."""

    http2: StrictBool = True
    headers: dict[str, Any] = {}

    @field_validator("headers")
    @classmethod
    def _settable(cls, headers: dict[str, Any]) -> dict[str, str]:
        # X-XSS-Protection: 0 is recommended, and YAML reads it as a number.
        headers = {name: str(value) if type(value) is int else value for name, value in headers.items()}
        for name, value in headers.items():
            if name not in HEADERS:
                raise ValueError(f"{redact_key(name)} cannot be set; {', '.join(HEADERS)} can")
            if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
                raise ValueError(f"{name} must be one line of plain text")
            if HEADERS[name] and value not in HEADERS[name]:
                raise ValueError(f"{name} must be {' or '.join(HEADERS[name])}")
        return headers


class RateLimit(Part):
    """A token bucket before all requests."""

    interval: Annotated[float, BeforeValidator(_interval)] = 0.0
    burst: Annotated[StrictInt, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _allows_requests(self) -> "RateLimit":
        if self.interval and not self.burst:
            raise ValueError("burst must be at least 1, or every request is refused")
        return self


class WebFile(Part):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = None
    http_server_config: HttpServerConfig = HttpServerConfig()
    basic_auth_users: dict[str, SecretStr] = {}
    rate_limit: RateLimit = RateLimit()

    @field_validator("basic_auth_users", mode="before")
    @classmethod
    def _hashed(cls, users: Any) -> Any:
        # Neither names nor hashes are repeated: either may be a password in the wrong place.
        for place, (name, hashed) in enumerate(users.items() if isinstance(users, dict) else (), 1):
            if not isinstance(name, str) or not name or ":" in name:
                raise ValueError(f"entry {place}: the name of the user must be text without a colon; quote a number")
            found = BCRYPT.fullmatch(hashed) if isinstance(hashed, str) else None
            if found is None:
                raise ValueError(f"entry {place}: must be a bcrypt hash, as htpasswd -nBC 10 NAME prints it")
            if int(found[1]) not in COSTS:
                raise ValueError(f"entry {place}: the cost of the bcrypt hash must be {COSTS[0]} to {COSTS[-1]}")
        return users


def read(path: Path) -> WebFile:
    """Read the file; an empty one protects nothing, as in the toolkit.

    Raises:
        ConfigurationError: the first thing that is wrong with it, without any name of a user, hash or password.
    """
    document = read_mapping(path, "web configuration")
    refuse_in_document({key: part for key, part in (document or {}).items() if key != USERS}, describe_path(path))
    try:
        return WebFile.model_validate(document or {}, context={"folder": path.parent})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        guess = hint(problem, WebFile)
        raise ConfigurationError(
            f"{describe_path(path)}: {spell(problem['loc'])}: {describe_error(problem['type'], problem['msg'])}{guess}"
        ) from None
