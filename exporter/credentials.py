"""The credentials that the settings describe."""

from exporter.errors import ConfigurationError
from exporter.github.app_jwt import clean_key
from exporter.github.auth import Credential, PersonalAccessToken, SecretFile
from exporter.settings import Auth, Enterprise


def auths(enterprise: Enterprise) -> dict[str, Auth]:
    """The credentials of *enterprise* by the names they have in metrics."""
    named = {"auth": enterprise.auth, "runner_auth": enterprise.runner_auth}
    named |= {f"organization:{organization.name}": organization.auth for organization in enterprise.organizations}
    return {name: auth for name, auth in named.items() if auth is not None}


def personal_access_token(name: str, auth: Auth) -> Credential:
    """The credential that *auth* describes, unless that is a GitHub App."""
    if auth.token_file is not None:
        file = SecretFile(auth.token_file)
        file.check()
        return PersonalAccessToken(name, file.read)
    if auth.token is not None:
        return PersonalAccessToken(name, auth.token.get_secret_value)
    raise ConfigurationError(f"{name}: no token")


def secret_of(auth: Auth) -> str:
    """What makes *auth* another credential when it changes; an App is another one under another key, too."""
    if auth.token_file is not None:
        file = SecretFile(auth.token_file)
    elif auth.private_key_file is not None:
        file = SecretFile(auth.private_key_file, clean_key)
    else:
        return auth.token.get_secret_value() if auth.token else ""
    file.check()
    return f"{auth.app_id} {file.read()}"
