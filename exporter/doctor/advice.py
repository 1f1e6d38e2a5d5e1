"""From causes and warnings to what to do about them, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from exporter.errors import Cause

API_URL, MANAGE_URL = "api_url", "manage_url"
"""Settings that say where a GitHub is."""


class State(StrEnum):
    """The result of a check."""

    OK = "ok"
    UNAVAILABLE = "unavailable"
    """There is nothing to read here, which is no failure."""
    FAILED = "failed"
    """Somebody can fix this."""
    SKIPPED = "skipped"
    """Not asked, because what failed before would fail this too."""


class CredentialWarning(StrEnum):
    """What works now but deserves a look; changes no exit code."""

    TOKEN_EXPIRES_SOON = "token_expires_soon"  # noqa: S105 - the name of a warning
    RATE_LIMIT_LOW = "rate_limit_low"
    RATE_LIMIT_TOO_SMALL = "rate_limit_too_small"
    CLOCK_DIFFERS = "clock_differs"
    INSTALLATION_TOKEN = "installation_token"  # noqa: S105
    PLAINTEXT_API_URL = "plaintext_api_url"
    PLAINTEXT_MANAGE_URL = "plaintext_manage_url"
    API_VERSION_NOT_LISTED = "api_version_not_listed"
    BUDGETS_WITHOUT_CONSUMPTION = "budgets_without_consumption"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do; `text` has places for `Place`'s fields."""

    text: str
    state: State = State.FAILED


@dataclass(frozen=True, slots=True)
class Place:
    """What the advice is about: the words that fill its places.

    Attributes:
        url_setting: the setting whose address was asked, which takes the place of `api_url`.
    """

    enterprise: str = ""
    organization: str = ""
    host: str = ""
    credential: str = ""
    wanted: str = ""
    when: str = ""
    url_setting: str = API_URL

    def filled(self, text: str) -> str:
        """*text* with its places filled in."""
        return text.replace(API_URL, self.url_setting).format(
            enterprise=self.enterprise,
            organization=self.organization,
            host=self.host,
            credential=self.credential,
            wanted=self.wanted,
            when=self.when,
        )


def _nothing(text: str) -> Advice:
    return Advice(text, State.UNAVAILABLE)


ADVICE: Mapping[Cause, Advice] = MappingProxyType(
    {
        Cause.NAME_NOT_FOUND: Advice(
            "The name {host} cannot be resolved: check api_url and the DNS of this machine; "
            "where only a proxy reaches GitHub, set HTTPS_PROXY."
        ),
        Cause.CONNECTION_REFUSED: Advice(
            "Nothing listens at {host}: check host and port of api_url, and the firewalls in between."
        ),
        Cause.NO_CONNECTION: Advice(
            "No connection to {host}: check scheme and port of api_url, network and firewalls; "
            "where only a proxy reaches GitHub, set HTTPS_PROXY."
        ),
        Cause.CERTIFICATE_NOT_TRUSTED: Advice(
            "The certificate of {host} is not trusted: set ca_file to the certificate of the authority that signed it, "
            "to the certificate itself if it is self-signed, or to the proxy's own where one inspects TLS."
        ),
        Cause.CERTIFICATE_EXPIRED: Advice(
            "The certificate of {host} has expired or is not valid yet: have it renewed; check the clock here, too."
        ),
        Cause.CERTIFICATE_OF_ANOTHER_HOST: Advice(
            "The certificate of {host} is for another name: write that name into api_url, or have it renewed."
        ),
        Cause.TLS_FAILED: Advice(
            "{host} does not speak TLS as expected: check scheme and port of api_url, and proxies in between."
        ),
        Cause.CA_FILE_UNUSABLE: Advice(
            "The file that ca_file, REQUESTS_CA_BUNDLE or SSL_CERT_FILE names cannot be read, "
            "or holds no certificate in PEM form."
        ),
        Cause.PROXY_FAILED: Advice(
            "The proxy refuses, cannot be reached, or is none of http or https: check HTTPS_PROXY, "
            "and that it lets {host} through; a host that needs no proxy belongs into NO_PROXY."
        ),
        Cause.PROXY_AUTHENTICATION: Advice(
            "The proxy wants a user name and password (407): write them into HTTPS_PROXY, "
            "as in http://USER:PASSWORD@PROXY:PORT."
        ),
        Cause.TIMEOUT: Advice(
            "No answer from {host} in time: try again; if it lasts, check firewalls and proxies that drop packets."
        ),
        Cause.WRONG_ADDRESS: Advice(
            "{host} answers with a web page, not as the API: api_url is https://api.github.com, "
            "https://api.SUBDOMAIN.ghe.com or https://HOST/api/v3; the login page of a proxy looks the same."
        ),
        Cause.REDIRECTED: Advice(
            "{host} sends on to another address, which is not followed to keep the token here: "
            "write the final address into api_url, with https if it is http now."
        ),
        Cause.DOWNLOAD_HOST_REFUSED: Advice(
            "GitHub's answer names a host for the download that is private, or that download_hosts does not allow: "
            "if it is one of GitHub's, add it to collectors.copilot_usage.download_hosts."
        ),
        Cause.DOWNLOAD_UNREACHABLE: Advice(
            "The host of the download, another than {host}, cannot be reached: let it through firewalls and proxies."
        ),
        Cause.DOWNLOAD_REFUSED: Advice(
            "The host of the download, another than {host}, refuses it: a proxy or filter in between may not know it; "
            "links are valid for a short time, so check the clock here, too."
        ),
        Cause.API_VERSION_UNSUPPORTED: Advice(
            "{host} does not support this api_version: set it to one that GET /versions lists, or upgrade the server."
        ),
        Cause.SERVER_ERROR: Advice(
            "GitHub failed to answer: try again later; if it lasts, see githubstatus.com, "
            "or ask whoever runs the server."
        ),
        Cause.RATE_LIMITED: Advice(
            "The rate limit of this credential is used up: try again after {when}, "
            "or give the exporter a credential of its own; all tokens of a person share one limit."
        ),
        Cause.PAYLOAD: Advice(
            "The answer is not what GitHub documents: check api_url and proxies in between; "
            "if both are right, please report it."
        ),
        Cause.BUG: Advice("This is a mistake in ghe-exporter: please report it."),
        Cause.CREDENTIAL_REJECTED: Advice(
            "GitHub rejects the credential {credential} (401): it is wrong, expired, revoked or of another GitHub; "
            "make a new token and put it into its file."
        ),
        Cause.CLOCK_WRONG: Advice(
            "GitHub finds the App's signature too early or too late: set the clock of this machine, best by NTP."
        ),
        Cause.APP_KEY_REJECTED: Advice(
            "GitHub does not know the App's signature: app_id must be the App's number or client id, "
            "and private_key_file a key generated for that App and not deleted since."
        ),
        Cause.APP_NOT_INSTALLED: Advice(
            "The GitHub App is not installed where {credential} needs it: install it on the enterprise, "
            "or on the organization that the credential is for, and check names and app_id."
        ),
        Cause.APP_SUSPENDED: Advice(
            "The installation of the GitHub App is suspended: an owner can lift that "
            "in the settings of the enterprise or organization under GitHub Apps."
        ),
        Cause.MANAGEMENT_PASSWORD_REJECTED: Advice(
            "{host} rejects the user name or password of manage_auth (401): put the right one into password_file "
            "before you try again, because after a few wrong ones the server locks its management console."
        ),
        Cause.SCOPE_MISSING: Advice("The token {credential} lacks a scope: give it {wanted}, then save it on GitHub."),
        Cause.PERMISSION_MISSING: Advice(
            "The GitHub App or fine-grained token {credential} lacks the permission {wanted}: "
            "add it in its settings under Permissions, and accept that where an App is installed."
        ),
        Cause.APP_CANNOT_READ: Advice(
            "No GitHub App can read this: give the enterprise a runner_auth with a classic personal access token, "
            "or switch the collector off."
        ),
        Cause.FINE_GRAINED_TOKEN: Advice(
            "A fine-grained token (github_pat_) cannot read an enterprise: make a classic personal access token, "
            "or use a GitHub App."
        ),
        Cause.TOKEN_KIND_FORBIDDEN: Advice(
            "The enterprise or organization forbids this kind of token or its lifetime: "
            "use a kind that its policy allows, or have the policy changed."
        ),
        Cause.SSO_NOT_AUTHORIZED: Advice(
            "The token is not authorized for single sign-on: on GitHub under Settings, Developer settings, "
            "Personal access tokens choose Configure SSO beside the token, then Authorize."
        ),
        Cause.IP_NOT_ALLOWED: Advice(
            "The address this machine is seen with is not on the IP allow list: "
            "an owner can add it in the settings of the enterprise or organization."
        ),
        Cause.LOGINS_BLOCKED: Advice(
            "GitHub refuses every login from here for a while, after many with wrong credentials: "
            "find out who sends them, and try again in an hour."
        ),
        Cause.NOT_ALLOWED: Advice(
            "The token {credential} has the scopes, but the person it belongs to may not read this: "
            "it must belong to an owner of the enterprise or organization; for billing a billing manager will do."
        ),
        Cause.ENTERPRISE_NOT_FOUND: Advice(
            "GitHub shows nothing of the enterprise {enterprise}: check that the slug is as in "
            "github.com/enterprises/SLUG, that api_url is the GitHub it lives on (with /api/v3 for a server), "
            "and that the token belongs to an owner of the enterprise."
        ),
        Cause.ORGANIZATION_NOT_FOUND: Advice(
            "GitHub shows nothing of the organization {organization}: check its name, "
            "and that the token belongs to an owner of it."
        ),
        Cause.NOT_OFFERED: _nothing(
            "Nothing to fix if the feature is off or not part of the plan or version; "
            "otherwise the token's owner does not own the enterprise, so GitHub hides it."
        ),
        Cause.NOT_ENABLED: _nothing("Nothing to fix: the feature is not enabled here."),
        Cause.OTHER_BILLING_PLATFORM: _nothing(
            "Nothing to fix: this enterprise is billed on the other of GitHub's two platforms."
        ),
        Cause.OTHER_PLATFORM: _nothing("Nothing to fix: this does not exist on this kind of GitHub; never asked."),
        Cause.MANAGEMENT_NOT_OFFERED: _nothing(
            "Nothing to fix if the server is older than 3.12, which lacks a part of the management API; "
            "otherwise check host and port of manage_url, which is https://HOST:8443 on most servers."
        ),
        Cause.MANAGEMENT_NOT_CONFIGURED: _nothing(
            "Nothing to fix unless you want to read the server's management API: "
            "then give the enterprise manage_url and manage_auth; never asked."
        ),
    }
)

WARNINGS: Mapping[CredentialWarning, str] = MappingProxyType(
    {
        CredentialWarning.TOKEN_EXPIRES_SOON: (
            "The token {credential} expires {when}: make a new one in time; it is read again when its file changes."
        ),
        CredentialWarning.RATE_LIMIT_LOW: (
            "Little of the rate limit of {credential} is left until {when}: "
            "lengthen intervals, or give the exporter a credential of its own."
        ),
        CredentialWarning.RATE_LIMIT_TOO_SMALL: (
            "The configured intervals need more calls than the rate limit of {credential} allows, so the exporter "
            "would run the most expensive collectors less often: {wanted}."
        ),
        CredentialWarning.CLOCK_DIFFERS: (
            "The clock of this machine differs from GitHub's by {when}: set it, preferably by NTP."
        ),
        CredentialWarning.INSTALLATION_TOKEN: (
            "The token {credential} is a GitHub App's and ends within an hour: "
            "configure app_id and private_key_file instead, so that it is renewed."
        ),
        CredentialWarning.API_VERSION_NOT_LISTED: (
            "{host} lists other API versions than api_version in GET /versions: set it to one of {wanted}."
        ),
        CredentialWarning.BUDGETS_WITHOUT_CONSUMPTION: (
            "No consumption is known for {wanted}, so no alert compares them: it is one person's limit, GitHub does "
            "not say what is covered, or collectors.budgets.max is too low."
        ),
        CredentialWarning.PLAINTEXT_API_URL: (
            "api_url uses plain HTTP, so the token is sent to {host} unencrypted: use https://."
        ),
        CredentialWarning.PLAINTEXT_MANAGE_URL: (
            "The password is sent to {host} unencrypted, because manage_url uses plain HTTP: use https://."
        ),
    }
)

SKIPPED = "Not asked, for the same reason as above."
