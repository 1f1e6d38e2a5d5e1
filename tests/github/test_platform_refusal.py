"""A refusal that is about the billing platform is no refusal of the credential."""

import json

import pytest

from exporter.errors import Forbidden, GitHubError, RateLimited, Unavailable
from exporter.github.answers import error_for


def refusal(message: str) -> GitHubError:
    return error_for(403, {}, json.dumps({"message": message}).encode(), 0.0, "GET /path")


@pytest.mark.parametrize(
    "message",
    [
        "The enhanced billing platform is not enabled for this enterprise.",
        "Enhanced Billing Platform has not been enabled",
        "This endpoint is only available to enterprises with access to the enhanced billing platform.",
        "The enterprise does not have access to the enhanced billing platform",
        "This enterprise is not on the enhanced billing platform.",
    ],
)
def test_platform_that_is_not_enabled_is_unavailable(message: str) -> None:
    """Such a 403 says that the enterprise has no such API, not that the token lacks anything."""
    error = refusal(message)
    assert type(error) is Unavailable
    assert error.status == 403
    assert message not in str(error)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Must have admin rights to Enterprise.",
        "Resource not accessible by integration",
        "You must be an administrator or billing manager of the enterprise.",
        "Only owners may use the enhanced billing platform.",
        "This feature is not enabled.",
    ],
)
def test_other_403_is_forbidden(message: str) -> None:
    """What speaks of rights, or not of the platform, is about the credential."""
    assert type(refusal(message)) is Forbidden


def test_rate_limit_of_billing_is_a_rate_limit() -> None:
    """A limit is a limit, whatever else the message says."""
    assert type(refusal("API rate limit exceeded; the billing platform is not available")) is RateLimited
