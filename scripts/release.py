"""What a release needs to be right: one version everywhere, its notes, the commit it is made from.

`python scripts/release.py check [TAG]` exits 1 and names what differs from exporter/__init__.py, where the version is;
with TAG also what the tag and CHANGELOG.md lack. `notes` prints the section of CHANGELOG.md of that version, `stamp
COMMIT` writes the commit into exporter/revision.py before a package is built.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
COMMIT = re.compile(r"[0-9a-f]{7,40}")

# Where else the version is written, as expressions whose first group is the version.
COPIES = {
    "compose.yaml": r"image: \$\{EXPORTER_IMAGE:-ghe-exporter:([^}\n]+)\}",
    "helm/ghe-exporter/Chart.yaml": r"^appVersion: *[\"']?([^\"'\s#]+)",
    "docs/kubernetes.md": r"/ghe-exporter:(\S+)",
}


def version(root: Path) -> str:
    """The version of the package."""
    return found(root / "exporter" / "__init__.py", r'^__version__ = "([^"]+)"$')[0]


def found(file: Path, expression: str) -> list[str]:
    """What *expression* finds in *file*, each once; one empty text if nothing."""
    return sorted(set(re.findall(expression, file.read_text("utf-8"), re.MULTILINE))) or [""]


def notes(root: Path, wanted: str) -> str:
    """The section of CHANGELOG.md about a version, without its heading; empty if there is none."""
    parts = re.split(r"^## \[([^]]+)\](.*)$", read_changelog(root), flags=re.MULTILINE)
    sections = dict(zip(parts[1::3], parts[3::3], strict=True))
    return str(sections.get(wanted, "")).strip()


def problems(root: Path, tag: str | None) -> Iterator[str]:
    """What has to be fixed before a release."""
    ours = version(root)
    if VERSION.fullmatch(ours) is None:
        yield f"exporter/__init__.py: the version {ours!r} is not of the form 1.2.3"
    for name, expression in COPIES.items():
        if not (root / name).exists():
            yield f"{name}: is missing"
        elif (copies := found(root / name, expression)) != [ours]:
            yield f"{name}: says {' and '.join(map(repr, copies))}, but exporter/__init__.py {ours!r}"
    if tag is None:
        return
    if tag != f"v{ours}":
        yield f"the tag is {tag!r}, but must be 'v{ours}', after exporter/__init__.py"
    if re.search(rf"^## \[{re.escape(ours)}\] - \d{{4}}-\d\d-\d\d$", read_changelog(root), re.MULTILINE) is None:
        yield f"CHANGELOG.md: has no heading '## [{ours}] - YYYY-MM-DD'"
    elif "### Metrics" not in notes(root, ours):
        yield f"CHANGELOG.md: the section {ours} does not say what became of the metrics ('### Metrics')"
    if notes(root, "Unreleased"):
        yield "CHANGELOG.md: there is something left under [Unreleased]"


def read_changelog(root: Path) -> str:
    """The whole of CHANGELOG.md."""
    return (root / "CHANGELOG.md").read_text("utf-8")


def stamp(root: Path, commit: str) -> None:
    """Write the commit where `ghe_exporter_build_info` takes it from.

    Raises:
        ValueError: it is not the name of a commit.
    """
    if COMMIT.fullmatch(commit) is None:
        raise ValueError(f"{commit!r} is not the hash of a commit")
    text = f'"""Which commit this is; written when the package was built."""\n\nREVISION = "{commit}"\n'
    (root / "exporter" / "revision.py").write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Do what is asked; return the exit code."""
    reader = argparse.ArgumentParser(prog="release", description=(__doc__ or "").partition("\n")[0])
    commands = reader.add_subparsers(dest="command", required=True)
    commands.add_parser("check").add_argument("tag", nargs="?")
    commands.add_parser("notes")
    commands.add_parser("stamp").add_argument("commit")
    options = reader.parse_args(arguments)
    wrong: list[str] = []
    if options.command == "check":
        wrong += problems(root, options.tag)
    elif options.command == "notes":
        text = notes(root, version(root))
        print(text)
        wrong += [] if text else [f"CHANGELOG.md: has no section {version(root)}"]
    else:
        try:
            stamp(root, options.commit)
        except ValueError as error:
            wrong.append(str(error))
    for problem in wrong:
        sys.stderr.write(f"release: {problem}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
