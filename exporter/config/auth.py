"""Credentials in the settings, which are never shown."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from exporter.errors import ConfigurationError
from exporter.github.app_jwt import clean_app_id, clean_key, is_app_id
from exporter.github.auth import SecretFile, clean_secret
from exporter.regular_file import check_path


def _single_token(value: SecretStr) -> SecretStr:
    try:
        return SecretStr(clean_secret(value.get_secret_value()))
    except ValueError as error:
        raise ValueError(f"the token {error}") from None


def _possible_path(value: Any) -> Any:
    return check_path(value) if isinstance(value, str) else value


def readable(clean: Callable[[str], str]) -> Callable[[Path], Path]:
    """A validator that reads the secret in a file once, as *clean* does."""

    def check(value: Path) -> Path:
        try:
            SecretFile(value, clean).check()
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        return value

    return check


def _app_id(value: Any) -> Any:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value  # YAML takes it for a number
    if isinstance(text, str) and not is_app_id(text):
        raise ValueError("must be the number or the client id of the GitHub App")
    return text


Token = Annotated[SecretStr, AfterValidator(_single_token)]
PossiblePath = Annotated[Path, BeforeValidator(_possible_path)]
SecretPath = Annotated[PossiblePath, AfterValidator(readable(clean_secret))]
AppId = Annotated[str, BeforeValidator(_app_id)]
AppIdPath = Annotated[PossiblePath, AfterValidator(readable(clean_app_id))]
KeyPath = Annotated[PossiblePath, AfterValidator(readable(clean_key))]


class Section(BaseModel):
    """A part of the settings; frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Auth(Section):
    """A credential: a classic personal access token, better in a file than inline, or a GitHub App."""

    token: Token | None = Field(None, description="A classic personal access token; prefer token_file.")
    token_file: SecretPath | None = Field(None, description="A file that holds the token; read again when it changes.")

    app_id: AppId | None = Field(None, description="Number or client id of a GitHub App; with private_key_file.")
    app_id_file: AppIdPath | None = Field(None, description="Instead of app_id, a file that holds it; read again too.")
    private_key_file: KeyPath | None = Field(
        None, description="A file that holds the App's private key as PEM text; read again when it changes."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "Auth":
        app = self.app_id or self.app_id_file, self.private_key_file
        if sum((self.token is not None, self.token_file is not None, app != (None, None))) != 1:
            raise ValueError("give exactly one of token, token_file, and app_id with private_key_file")
        if app != (None, None) and None in app:
            raise ValueError("a GitHub App needs both app_id and private_key_file")
        if self.app_id is not None and self.app_id_file is not None:
            raise ValueError("give one of app_id and app_id_file")
        return self
