"""Count 100,000 licence users at 50 ms per request and four requests at a time: how close to the bound?

    python -m benchmarks.license_users

The bound is pages x latency / concurrency: what a client takes that costs no time at all. The simulated GitHub runs
in a process of its own on the same machine.
"""

import math

from benchmarks import measure
from benchmarks.collecting import CONCURRENCY, collect, simulated
from benchmarks.measure import Check

OVER_THE_BOUND = 1.15
PER_PAGE = 100


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, users=100_000, latency=0.05)
    with simulated(chosen.users, 1, "--latency", chosen.latency) as company:
        collected = collect(company, ["license_users"], chosen.users, 1)
    pages = math.ceil(company.people / PER_PAGE)
    bound = pages * chosen.latency / CONCURRENCY
    seconds = collected.seconds("license_users")
    counted, accounts = collected.total("ghe_license_users"), collected.total("ghe_license_user_accounts")
    checks = [
        Check("time / bound", seconds / bound, OVER_THE_BOUND),
        Check("people counted wrong", abs(counted - company.people), 0),
        Check("accounts counted wrong", abs(accounts - company.accounts), 0),
    ]
    figures = {
        "people": company.people,
        "pages": pages,
        "bound_seconds": bound,
        "seconds": seconds,
        "cpu_seconds": collected.cpu_seconds,
        "cpu_milliseconds_per_page": collected.cpu_seconds / pages * 1000,
    }
    measure.report("license_users", checks, figures)


if __name__ == "__main__":
    main()
