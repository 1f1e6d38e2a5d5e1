"""`ghe-exporter serve` on a port that the system chooses; prints its URL."""

import sys
from pathlib import Path

from exporter import logs
from exporter.commands.serve import serve
from exporter.config import loading


def main() -> None:
    """Serve until SIGTERM."""
    settings = loading.load(Path(sys.argv[1]))
    logs.configure(settings.log_level, settings.log_format)
    serve(
        settings,
        reload=lambda: settings,
        web_config=None,
        enable_lifecycle=False,
        started=lambda url: print(url, flush=True),
    )


if __name__ == "__main__":
    main()
