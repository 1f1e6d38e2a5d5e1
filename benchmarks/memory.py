"""Peak memory of the exporter's process while it collects 100,000 users and 10,000 runners, then ten times the users.

    python -m benchmarks.memory

The simulated GitHub runs in a process of its own and is not counted; two scrapes, plain and gzip, are.
"""

from benchmarks import measure
from benchmarks.collecting import Collected, collect, simulated
from benchmarks.measure import Check

MEGABYTE = 1_000_000
MOST_MEGABYTES = 200.0
MOST_ADDED_MEGABYTES = 20.0
COLLECTORS = ("licenses", "license_users", "runners")


def collected(users: int, runners: int) -> Collected:
    """Collect from a company of that size."""
    with simulated(users, runners) as company:
        return collect(company, COLLECTORS, users, runners)


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, users=100_000, runners=10_000, times=10)
    once = collected(chosen.users, chosen.runners)
    more = collected(chosen.users * chosen.times, chosen.runners)
    checks = [
        Check("peak MB", once.peak_bytes / MEGABYTE, MOST_MEGABYTES),
        Check("MB added", (more.peak_bytes - once.peak_bytes) / MEGABYTE, MOST_ADDED_MEGABYTES),
    ]
    figures = {
        f"{int(result.total('ghe_license_users'))} people": {
            "peak_megabytes": result.peak_bytes / MEGABYTE,
            "runners": int(result.total("ghe_runners")),
            "license_users_seconds": result.seconds("license_users"),
            "page_bytes": result.page_bytes,
        }
        for result in (once, more)
    }
    measure.report("memory", checks, figures)


if __name__ == "__main__":
    main()
