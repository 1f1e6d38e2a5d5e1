"""Settings of the management API of a GitHub Enterprise Server."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from exporter.collector import Platform
from exporter.config.addresses import api_url
from exporter.config.auth import PossiblePath, Section, readable
from exporter.github.management import clean_password, clean_username

EXAMPLE = "https://HOST:8443"


def manage_url(value: str) -> str:
    """The address of the management API, which has no path.

    Raises:
        ValueError: it is something else; the message ends a sentence that begins with the setting.
    """
    url = value.strip().rstrip("/").removesuffix("/manage/v1").removesuffix("/manage")
    try:
        address = api_url(url)
    except ValueError as error:
        raise ValueError(str(error).replace("https://api.github.com or https://HOST/api/v3", EXAMPLE)) from None
    if urlsplit(address).path:
        raise ValueError(f"must be the address of the management API without a path, such as {EXAMPLE}")
    return address


def _password(value: SecretStr) -> SecretStr:
    try:
        return SecretStr(clean_password(value.get_secret_value()))
    except ValueError as error:
        raise ValueError(f"the password {error}") from None


ManageUrl = Annotated[str, AfterValidator(manage_url)]
Username = Annotated[str, AfterValidator(clean_username)]
Password = Annotated[SecretStr, AfterValidator(_password)]
PasswordPath = Annotated[PossiblePath, AfterValidator(readable(clean_password))]


class ManageAuth(Section):
    """Who reads the management API, by basic authentication."""

    username: Username = Field(
        description="A user of the management console, or `api_key` with the password of the root site administrator."
    )
    password: Password | None = Field(None, description="The password; prefer password_file.")
    password_file: PasswordPath | None = Field(
        None, description="A file that holds the password; read again when it changes."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "ManageAuth":
        if (self.password is None) == (self.password_file is None):
            raise ValueError("give one of password_file and password")
        return self


def check_management(platform: Platform, url: str | None, auth: ManageAuth | None) -> None:
    """Refuse one of the two without the other, and both where there is no such API.

    Raises:
        ValueError: they do not fit; the message names the setting.
    """
    if platform is not Platform.SERVER and (url or auth):
        setting = "manage_url" if url else "manage_auth"
        raise ValueError(f"{setting} is for a GitHub Enterprise Server, whose api_url ends in /api/v3; remove it")
    if auth and not url:
        raise ValueError(f"manage_auth needs manage_url, the address of the management API, such as {EXAMPLE}")
    if url and not auth:
        raise ValueError("manage_url needs manage_auth, with username and password_file")
