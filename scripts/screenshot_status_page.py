"""Write docs/images/status-page.png: the status page of a running demo, in a real browser.

Needs the packages of the group `dev` and Chromium: `python scripts/screenshot_status_page.py [FILE]`.
"""

import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "images" / "status-page.png"
WIDTH, HEIGHT = 1280, 860
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
TRIES = 300


def photograph(url: str, picture: Path) -> None:
    """Open *url* and write what is seen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5, color_scheme="light"
        )
        page.goto(url)
        page.screenshot(path=picture)
        browser.close()


def is_ready(url: str) -> bool:
    """Whether every collector has read everything."""
    try:
        with urlopen(f"{url}/", timeout=10) as page:
            return b'class="waiting"' not in page.read()
    except URLError:
        return False


def main(picture: Path) -> None:
    """Start a demo, wait for its first results, take the picture."""
    command = (sys.executable, "-m", "exporter", "demo", "--listen", "127.0.0.1:0")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo:
        try:
            found = (re.search(r"(http://\S+)/metrics", line) for line in demo.stdout or ())
            url = next(match[1] for match in found if match)
            pause = threading.Event()
            for _ in range(TRIES):
                if is_ready(url):
                    break
                pause.wait(0.1)
            photograph(f"{url}/", picture)
        finally:
            demo.terminate()
    print(f"wrote {picture}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
