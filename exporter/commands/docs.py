"""`ghe-exporter docs`: write or check the generated documentation of a checkout."""

from pathlib import Path

from exporter.collectors import COLLECTORS
from exporter.commands.output import standard_output
from exporter.errors import ConfigurationError
from exporter.reference.files import write_if_changed
from exporter.reference.pages import pages


def run(*, check: bool, root: Path | None = None) -> int:
    """Write the pages below *root*, or return 1 and name those that differ from what they should be."""
    root = root or Path.cwd()
    try:
        wanted = pages(root, COLLECTORS)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"docs: run it in a checkout of ghe-exporter: {error}") from None
    stale = write_if_changed({path: text.encode() for path, text in wanted.items()}, check=check)
    with standard_output() as out:
        for path in stale:
            out.write(f"{'out of date' if check else 'written'}: {path.relative_to(root)}\n")
    return 1 if check and stale else 0
