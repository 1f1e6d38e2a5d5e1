"""The soak for a few seconds, with faults that pass soon."""

import os
import subprocess
import sys

from tests.support.programs import ROOT

SOON_OVER = ("html", "nulls", "http-500", "truncated", "reset", "hostile-labels", "nan", "endless-link", "bad-gzip")


def test_soak() -> None:
    """What the long one checks holds in the short one, and it tells figures."""
    options = [text for kind in SOON_OVER for text in ("--fault", kind)]
    command = [sys.executable, "scripts/soak.py", "--minutes", "0.17", "--seed", "7", "--recovery-seconds", "200"]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mixtures of faults" in done.stdout
    assert done.stdout.endswith("all promises held\n")
