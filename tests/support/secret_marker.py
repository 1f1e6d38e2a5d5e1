"""A place with secrets and settings to load from, and what is asked of every complaint about them."""

from pathlib import Path

TOKEN = "ghp_Canary0123456789abcdefghijklmnopqrstu1"
"""Looks like a token; must never be seen again."""
PASSWORD = "Canary battery staple"
"""The same for a password of the management console."""
CANARY = "Canary"
SECRETS = {
    "acme-token": f"{TOKEN}\n".encode(),
    "runners-token": f"{TOKEN}2".encode(),
    "empty-token": b"",
    "blank-token": b" \n\n",
    "two-tokens": f"{TOKEN}\n{TOKEN}\n".encode(),
    "binary-token": b"\xff\xfe" + TOKEN.encode() + b"\x00",
    "control-token": f"{TOKEN}\x07".encode(),
    "globex.pem": b"-----BEGIN CERTIFICATE-----\n",
}


def furnish(folder: Path) -> None:
    """Put the secrets and some settings into *folder*."""
    for name, content in SECRETS.items():
        (folder / name).write_bytes(content)
    (folder / "folder").mkdir()


def the_line(stderr: str) -> str:
    """The only line of *stderr*, without the name of the program; no token is in it."""
    lines = stderr.splitlines()
    assert len(lines) == 1, stderr
    assert CANARY not in stderr
    assert stderr.endswith("\n")
    return lines[0].removeprefix("ghe-exporter: ")
