"""Look up known vulnerabilities of the packages in requirements.lock.

Exit status 1 if there is one. In a closed network the service cannot be reached, or a mirror answers in its place that
it knows nothing: then that is said loudly, and the exit status is 0, because a build there could never pass.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"
UNREACHABLE = (
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "Max retries",
    "ServiceError",
    "SSLError",
)
FRAME = "*" * 78


def verdict(code: int, out: str, err: str) -> tuple[int, str]:
    """Exit status and words for a run of pip-audit that ended with *code* and wrote *out* and *err*."""
    try:
        packages: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        if code and any(sign in err for sign in UNREACHABLE):
            return 0, loudly("nothing: the vulnerability service cannot be reached from here")
        return 1, f"{err}\npip-audit gave no report"
    vulnerable = [
        f"{each['name']} {each['version']}: {found['id']}" for each in packages for found in each.get("vulns", [])
    ]
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    audited = len(packages) - len(skipped)
    if vulnerable:
        return 1, "known vulnerabilities; fix with make lock ARGS=--upgrade\n  " + "\n  ".join(vulnerable)
    if skipped or not packages:
        return 0, loudly(f"{audited} of {len(packages)} packages; the service knows nothing of {', '.join(skipped)}")
    return code, f"{audited} packages audited, no known vulnerability"


def loudly(audited: str) -> str:
    """What nobody should overlook in a log."""
    advice = "Run `make audit` where the service answers, before a release at the latest."
    return f"{FRAME}\nNOT AUDITED, besides {audited}.\n{advice}\n{FRAME}"


def main() -> int:
    """Run pip-audit; the hashes of the lock say what to ask for, so nothing is installed."""
    options = ("--disable-pip", "--require-hashes", "--timeout", "20", "--progress-spinner", "off", "--format", "json")
    command = [sys.executable, "-m", "pip_audit", *options, "-r", str(LOCK)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    code, words = verdict(done.returncode, done.stdout, done.stderr)
    sys.stderr.write(f"{words}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
