"""Write what the chart takes from elsewhere: python helm/generate.py [--check].

Helm reads nothing outside a chart's folder, and links would dangle where the folder is copied alone. So rules and
dashboards are copied into it, byte for byte, and `make check` compares.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # it is run as a file

from exporter import __version__  # noqa: E402
from exporter.reference.files import write_if_changed  # noqa: E402
from exporter.reference.markdown import replace_section, table  # noqa: E402
from helm.commented import rows, values_in  # noqa: E402
from helm.schema import schema  # noqa: E402

CHART = ROOT / "helm" / "ghe-exporter"
HEAD = ("Value", "Default", "Meaning")


def files(root: Path = ROOT) -> dict[Path, bytes]:
    """The content of every written file by its path in the chart."""
    chart = root / "helm" / "ghe-exporter"
    rules = {path.relative_to(root / "alerts"): path.read_bytes() for path in root.glob("alerts/rules/**/*.yaml")}
    boards = {path.relative_to(root): path.read_bytes() for path in root.glob("dashboards/*.json")}
    copies = {Path("files") / path: content for path, content in (rules | boards).items()}
    values = values_in((chart / "values.yaml").read_text(encoding="utf-8"))
    written = {
        "values.schema.json": json.dumps(schema(values, alerts(list(rules.values()))), indent=2) + "\n",
        "README.md": replace_section(
            (chart / "README.md").read_text(encoding="utf-8"), "values", table(HEAD, rows(values))
        ),
        "Chart.yaml": versioned((chart / "Chart.yaml").read_text(encoding="utf-8"), __version__),
    }
    return copies | {Path(name): text.encode() for name, text in written.items()}


def alerts(rules: list[bytes]) -> list[str]:
    """Names of the alerts in the rule files."""
    groups = [group for text in rules for group in yaml.safe_load(text)["groups"]]
    return sorted(rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule)


def versioned(chart: str, version: str) -> str:
    """Chart.yaml with that appVersion."""
    return re.sub(r"(?m)^appVersion: .*$", f'appVersion: "{version}"', chart)


def main(arguments: list[str] | None = None) -> int:
    """Write the files and remove stray copies; with --check only compare, and return 1 on a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    check = parser.parse_args(arguments).check
    wanted = {CHART / path: content for path, content in files().items()}
    stray = sorted({path for path in CHART.glob("files/**/*") if path.is_file()} - wanted.keys())
    for path in [] if check else stray:
        path.unlink()
    different = stray + write_if_changed(wanted, check=check)
    if not check:
        return 0
    for path in different:
        sys.stderr.write(f"helm/ghe-exporter/{path.relative_to(CHART)} is not what helm/generate.py writes\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
