"""The key of a GitHub App: what is a key, what it signs, by which clock."""

from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import PrivateFormat
from structlog.testing import capture_logs

from exporter.errors import (
    ConfigurationError,
    Unauthorized,
)
from exporter.github.app_jwt import clean_key, signed
from exporter.github.auth import SecretFile
from tests.github.conftest import FakeClock, MakeAppCredential, RecordingObserver
from tests.support.app_keys import pem, public_pem, wrong_keys
from tests.support.github_apps import HOUR, ON_ENTERPRISE, GitHubOfApps


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
@pytest.mark.parametrize("app_id", ["12345", "Iv23liOctoOcto"])
def test_jwt_is_backdated_and_lasts_less_than_ten_minutes(app_id: str, form: PrivateFormat) -> None:
    """It is signed with either form of key, dated back a minute and ends well within GitHub's ten."""
    token = signed(clean_key(pem(form)), app_id, 1_795_000_000.9)
    claims = jwt.decode(token, public_pem(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
    assert claims == {"iat": 1_794_999_940, "exp": 1_795_000_540, "iss": app_id}


@pytest.mark.parametrize("kind", wrong_keys())
def test_file_without_private_key_is_refused(tmp_path: Path, kind: str) -> None:
    """What is no private key is refused in one line that shows nothing of it."""
    path = tmp_path / "acme.pem"
    path.write_text(wrong_keys()[kind])
    with pytest.raises(ConfigurationError, match="holds no private key of a GitHub App") as caught:
        SecretFile(path, clean_key).check()
    assert str(caught.value).startswith(f"the file {path} ")
    assert "\n" not in str(caught.value)
    assert not [line for line in wrong_keys()[kind].splitlines() if line in str(caught.value)]


@pytest.mark.parametrize("ahead", [-7200, -120, -65, 700, 86_400 * 400])
def test_clock_skew_is_compensated_with_one_warning(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock, ahead: float
) -> None:
    """When the clocks differ, GitHub's is followed, with one warning."""
    apps.ahead = ahead
    credential = make_app_credential()
    with capture_logs() as logs:
        assert credential.token() == "ghs_1"
        clock.advance(HOUR - 200)
        assert credential.token() == "ghs_2"
    # The resets of its rate limit make no sense to a clock that is hours off.
    warnings = [(entry["event"], entry["seconds"]) for entry in logs if "rate limit" not in entry["event"]]
    assert warnings == [("clock skew detected, compensating", ahead)]


@pytest.mark.parametrize("ahead", [-30, 0, 30, 400])
def test_small_clock_skew_is_not_compensated(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, ahead: float
) -> None:
    """Small differences need no correction."""
    apps.ahead = ahead
    with capture_logs() as logs:
        assert make_app_credential().token() == "ghs_1"
    assert (len(apps.asked), logs) == (2, [])


def test_key_of_another_app_is_a_rejected_credential(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, observer: RecordingObserver
) -> None:
    """A key of another App is named after one try, and reported as a credential that is not accepted."""
    with pytest.raises(Unauthorized, match="does private_key_file belong to that GitHub App"):
        make_app_credential(read=lambda: pem(number=2)).token()
    assert apps.asked == [f"GET {ON_ENTERPRISE}"]
    assert observer.accepted == [("auth", False)]


def test_replaced_key_file_is_used(
    make_app_credential: MakeAppCredential, apps: GitHubOfApps, clock: FakeClock, tmp_path: Path
) -> None:
    """The key file is read again when it changes."""
    path = tmp_path / "acme.pem"
    path.write_text(pem())
    file = SecretFile(path, clean_key)
    file.check()
    credential = make_app_credential(read=file.read)
    credential.token()
    path.write_text(pem(PrivateFormat.PKCS8, number=2))
    apps.key = public_pem(2)
    clock.advance(HOUR)
    assert credential.token() == "ghs_2"
