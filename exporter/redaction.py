"""Keep credentials out of everything that is shown: settings put in the wrong place end up in messages and logs.

Source of the shapes: docs.github.com, "About authentication to GitHub", token formats; installation tokens have been
`ghs_APPID_JWT`, about 520 characters with dots and hyphens, since 2026.
"""

import base64
import re
from pathlib import Path

REDACTED = "<redacted>"
MAX_SHOWN_PATH = 200
INSTEAD_OF_PATH = "is a credential itself; it must be the path of a file"

_CREDENTIAL = re.compile(
    r"(?<![a-z])(?!ghe_)gh[a-z]_"  # `ghe_` begins our own metrics and variables
    r"|gh[oprsu]_[a-z0-9]{10}"  # after a letter too, as behind the n of an escaped line end
    r"|github_pat_"
    r"|(?<![0-9a-z])[0-9a-f]{40}(?![0-9a-z])"  # tokens made before 2021
    r"|(?<![a-z0-9])eyJ[a-z0-9_-]{8,}\."  # a JSON web token
    r"|-----BEGIN|BEGIN [A-Z0-9 ]*PRIVATE KEY"
    r"|\bMII[A-Za-z0-9+/]{40}"  # a key without its PEM header
    r"|\bauthorization['\"]?\s*[:=]"
    r"|\bbearer\s+\S{6}",
    re.IGNORECASE | re.ASCII,
)
_BASIC = re.compile(r"\b[Bb]asic\s+(?=[a-z]*[A-Z0-9+/=])[A-Za-z0-9+/=]{8,}", re.ASCII)
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_DECODED = re.compile(
    rb"gh[oprsu]_[a-z0-9]{4}|github_pat_|-----BEGIN|authorization\s*:|(bearer|basic|token) \S", re.IGNORECASE
)
_SCHEME = re.compile(r"(authorization\s*:\s*)?(bearer|basic|token)\s+\S", re.IGNORECASE)


def redact(text: str) -> str:
    """*text* up to what looks like a credential; whatever follows may be part of it."""
    start = _find(text)
    return text if start is None else f"{text[:start]}{REDACTED}"


def one_line(text: str) -> str:
    """*text* without line ends, which names of files and variables may hold."""
    return " ".join(text.splitlines())


def holds_credential(text: str) -> bool:
    """Whether *text* holds what looks like a credential."""
    return _find(text) is not None or is_authorization(text)


def is_credential(text: str) -> bool:
    """Whether *text* is a credential instead of a path; below a folder, a file may well be called like one."""
    relative = text.strip("\"' \t\r\n\ufeff").lstrip("./")
    start = _find(relative)
    is_file_name = start is not None and ("/" in relative[:start] or text.lstrip().startswith("/"))
    return (start is not None and not is_file_name) or "PRIVATE KEY" in text or is_authorization(text)


def is_authorization(text: str) -> bool:
    """Whether *text* is the value of an `Authorization` header, with or without its name."""
    return _SCHEME.match(text.strip()) is not None


def is_encoded_credential(text: str) -> bool:
    """Whether *text* is base64 of a token or of an `Authorization` header, as a Secret encoded twice is."""
    return _find_encoded(text.strip()) == 0


def describe_path(path: Path | str) -> str:
    """*path* for a message: in one line, without what may be a credential, and not what is too long to be a name."""
    text = str(path)
    if is_credential(text) or len(text) > MAX_SHOWN_PATH:
        return REDACTED
    text = one_line(text)
    return redact("".join(character if character.isprintable() else "?" for character in text))


def _find(text: str) -> int | None:
    """Where the first thing begins that looks like a credential."""
    matches = (_CREDENTIAL.search(text), _BASIC.search(text))
    starts = [match.start() for match in matches if match] + [_find_encoded(text)]
    return min((start for start in starts if start is not None), default=None)


def _find_encoded(text: str) -> int | None:
    for run in _ENCODED.finditer(text):
        characters = run[0].translate({ord("-"): "+", ord("_"): "/"})
        for offset in range(4):  # in a path, base64 begins anywhere in the run
            encoded = characters[offset : offset + (len(characters) - offset) // 4 * 4]
            if _DECODED.search(base64.b64decode(encoded)):
                return run.start()
    return None
