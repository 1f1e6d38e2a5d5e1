"""Write the dashboards as JSON beside this file: python dashboards/generate.py [--check]."""

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # it is run as a file

from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: E402
from grafana_foundation_sdk.models.dashboard import AnnotationQuery, DashboardLink  # noqa: E402

from dashboards import billing, itself, licenses, overview, runners  # noqa: E402
from dashboards.frame import build  # noqa: E402
from exporter.reference.files import write_if_changed  # noqa: E402

MODULES = {
    "overview": overview,
    "licenses": licenses,
    "billing": billing,
    "runners": runners,
    "exporter": itself,
}


class Encoder(JSONEncoder):
    """The SDK's, without what it puts into Grafana's menu of controls, where links and annotations are hidden."""

    def default(self, o: object) -> object:
        """Leave the place open: then they stand above the panels."""
        encoded = super().default(o)
        if isinstance(o, AnnotationQuery | DashboardLink):
            encoded.pop("placement")
        return encoded


def files() -> dict[str, str]:
    """The text of every file by its name."""
    return {
        f"{name}.json": json.dumps(build(module.board()), cls=Encoder, indent=2, sort_keys=True) + "\n"
        for name, module in MODULES.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the files; with --check only compare, and return 1 on a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    check = parser.parse_args(arguments).check
    wanted = {HERE / name: text.encode() for name, text in files().items()}
    stray = sorted(set(HERE.glob("*.json")) - wanted.keys())
    different = stray + write_if_changed(wanted, check=check)
    if not check:
        return 0
    for path in different:
        sys.stderr.write(f"dashboards/{path.name} is not what dashboards/generate.py writes\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
