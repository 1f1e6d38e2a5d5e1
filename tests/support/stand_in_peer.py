"""A program that takes the settings of promhippie/github_exporter and reads GitHub at every scrape.

It shows that the benchmark counts right. It says nothing about the program whose place it takes.
"""

import json
import os
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count
from typing import Any
from urllib.request import Request, urlopen

PREFIX = "GITHUB_EXPORTER_"


def ask(settings: Mapping[str, str], path: str) -> Any:
    """GitHub's answer."""
    headers = {"Authorization": f"Bearer {settings['TOKEN']}", "User-Agent": "stand-in"}
    with urlopen(Request(f"{settings['BASE_URL'].rstrip('/')}{path}", headers=headers), timeout=10) as answer:
        return json.load(answer)


def exposition(settings: Mapping[str, str]) -> str:
    """Runners once per name, and whether there is anything to pay."""
    root = f"/enterprises/{settings['ENTERPRISE']}"
    names: dict[str, int] = {}
    for page in count(1):
        runners = ask(settings, f"/api/v3{root}/actions/runners?per_page=500&page={page}")["runners"]
        for runner in runners:
            names.setdefault(runner["name"], runner["id"])
        if len(runners) < 100:
            break
    items = ask(settings, f"{root}/settings/billing/usage")["usageItems"]
    lines = [f'github_runner_enterprise_online{{id="{number}",name="{name}"}} 1' for name, number in names.items()]
    lines.append('github_build_info{version="stand-in"} 1')
    return "\n".join(
        [*lines, f"github_billing_usage {len(items)}", 'github_request_failures_total{collector="org"} 3\n']
    )


def main() -> None:
    """Serve until ended."""
    settings = {name.removeprefix(PREFIX): value for name, value in os.environ.items() if name.startswith(PREFIX)}
    host, _, port = settings["WEB_ADDRESS"].rpartition(":")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = exposition(settings).encode() if self.path == "/metrics" else b"OK"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    HTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main()
