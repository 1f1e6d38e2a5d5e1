"""Count 100,000 license users at 50 ms per request and four requests at a time: how close to the bound?

    python -m benchmarks.license_users

The bound is pages x latency / concurrency: what client and server take that cost no time at all. The simulated
GitHub runs in a process of its own on the same machine, and what its answers cost beyond the latency counts as well:
a bare client, four threads that read the same pages and do nothing with them, shows how much that is.
"""

import math
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks import measure
from benchmarks.collecting import CONCURRENCY, collect, simulated
from benchmarks.measure import Check
from benchmarks.scraper import Client
from benchmarks.simulated import ENTERPRISE

OVER_THE_BOUND = 1.15
PER_PAGE = 100


def bare(url: str, pages: int) -> float:
    """The seconds that it takes to read the pages, four at a time, and to throw them away."""
    headers = {"User-Agent": "benchmark", "Authorization": "Bearer example", "Accept": "application/json"}

    def read(first: int) -> None:
        client = Client(url, gzip=True, headers=headers)
        for page in range(first, pages + 1, CONCURRENCY):
            client.aim(f"/enterprises/{ENTERPRISE}/consumed-licenses?per_page={PER_PAGE}&page={page}")
            client.scrape()

    started = time.perf_counter()
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(read, range(1, CONCURRENCY + 1)))
    return time.perf_counter() - started


def main() -> None:
    """Measure and report."""
    chosen = measure.options(__doc__, users=100_000, latency=0.05)
    with simulated(chosen.users, 1, "--latency", chosen.latency, "--count-accounts") as company:
        pages = math.ceil(company.people / PER_PAGE)
        collected = collect(company, ["license_users"], chosen.users, 1)
        bare_seconds = bare(company.url, pages)
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
        "bare_client_seconds": bare_seconds,
        "bare_client_over_bound": bare_seconds / bound,
        "over_bare_client": seconds / bare_seconds,
        "cpu_seconds": collected.cpu_seconds,
        "cpu_milliseconds_per_page": collected.cpu_seconds / pages * 1000,
    }
    measure.report("license_users", checks, figures)


if __name__ == "__main__":
    main()
