"""How time, memory and the size of /metrics grow with users and with runners.

    python -m benchmarks.growth

The simulated GitHub answers at once, so the time is what the exporter and the simulator cost on this machine.
"""

from benchmarks import measure
from benchmarks.collecting import collect, simulated
from benchmarks.measure import Check

MEGABYTE = 1_000_000
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
    chosen = measure.options(__doc__, users=100_000, runners=10_000)
    users = {size: grown("license_users", size, 1) for size in steps(chosen.users, 3)}
    runners = {size: grown("runners", 1, size) for size in steps(chosen.runners, 2)}
    checks = [
        Check(f"time for {large} / {small} {what}, per {what}", ratio / (large / small), LINEAR)
        for what, series in (("users", users), ("runners", runners))
        for small, large in zip(list(series), list(series)[1:], strict=False)
        for ratio in (series[large]["seconds"] / series[small]["seconds"],)
    ]
    figures = {f"{size} users": row for size, row in users.items()}
    measure.report("growth", checks, figures | {f"{size} runners": row for size, row in runners.items()})


def steps(largest: int, count: int) -> list[int]:
    """*largest* and, before it, its tenth, its hundredth and so on: *count* sizes, each at least 1."""
    return sorted({max(1, largest // 10**power) for power in range(count)})


if __name__ == "__main__":
    main()
