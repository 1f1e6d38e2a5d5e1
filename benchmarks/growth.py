"""How time, memory and the size of /metrics grow with users and with runners.

    python -m benchmarks.growth

The simulated GitHub answers at once, so the time is what the exporter and the simulator cost on this machine.
"""

from benchmarks import measure
from benchmarks.collecting import collect, simulated
from benchmarks.measure import Check

MEGABYTE = 1_000_000
USER_SHARES = (1_000, 100, 10, 1)
RUNNER_SHARES = (50, 5, 1)
"""By default 1,000 to 1,000,000 users, and 1,000, 10,000 and 50,000 runners."""
LINEAR = 1.5
"""Ten times as much may take this times ten times as long."""


def grown(collector: str, users: int, runners: int) -> dict[str, float]:
    """Collect from a company of that size."""
    with simulated(users, runners) as company:
        collected = collect(company, [collector], users, runners)
    return {
        "seconds": collected.seconds(collector),
        "cpu_seconds": collected.cpu_seconds,
        "peak_megabytes": collected.peak_bytes / MEGABYTE,
        "page_bytes": collected.page_bytes,
    }


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, users=1_000_000, runners=50_000)
    users = {size: grown("license_users", size, 1) for size in sizes(chosen.users, USER_SHARES)}
    runners = {size: grown("runners", 1, size) for size in sizes(chosen.runners, RUNNER_SHARES)}
    checks = [
        Check(f"time for {large} / {small} {what}, per {what}", ratio / (large / small), LINEAR)
        for what, series in (("users", users), ("runners", runners))
        for small, large in zip(list(series), list(series)[1:], strict=False)
        for ratio in (series[large]["seconds"] / series[small]["seconds"],)
    ]
    figures = {f"{size} users": row for size, row in users.items()}
    measure.report("growth", checks, figures | {f"{size} runners": row for size, row in runners.items()})


def sizes(largest: int, shares: tuple[int, ...]) -> list[int]:
    """These shares of *largest*, ascending, each at least 1."""
    return sorted({max(1, largest // share) for share in shares})


if __name__ == "__main__":
    main()
