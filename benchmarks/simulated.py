"""A process that is the simulated GitHub: sized, without a rate limit, with its companies standing still.

Prints a line of JSON: its URL and how many people have a license. The companies stand still so that what is collected
can be compared with what there is; the moment is the one with the most people.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from exporter.simulator.company.estate import CORP, Estate
from exporter.simulator.server import Simulator

ENTERPRISE = CORP
EPOCH = 1_800_000_000
HOUR = 3600
CYCLE_HOURS = 28 * 24
NO_LIMIT = 10**9


class Company(NamedTuple):
    """What the simulated enterprise is."""

    url: str
    people: int
    accounts: int


def fullest_moment(estate: Estate) -> int:
    """The hour at which the enterprise has the most people."""
    enterprise = estate.enterprise(ENTERPRISE)
    assert enterprise is not None
    assert enterprise.licenses is not None
    consumed = enterprise.licenses.seats
    return max(range(EPOCH, EPOCH + CYCLE_HOURS * HOUR, HOUR), key=lambda at: consumed(at).consumed)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description="Serve a simulated GitHub for a benchmark.")
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--runners", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--moving", action="store_true", help="let the companies change with time")
    parser.add_argument("--count-accounts", action="store_true", help="report how many accounts all people have")
    chosen = parser.parse_args()
    at = fullest_moment(Estate(users=chosen.users, runners=chosen.runners))
    now: Callable[[], float] = time.time if chosen.moving else lambda: at
    simulator = Simulator(
        users=chosen.users, runners=chosen.runners, latency=chosen.latency, rate_limit=NO_LIMIT, now=now
    )
    enterprise = simulator.estate.enterprise(ENTERPRISE)
    assert enterprise is not None
    assert enterprise.licenses is not None
    people = enterprise.licenses.seats(at).consumed
    counted = enterprise.licenses.users(at, 0, people) if chosen.count_accounts else []
    accounts = sum(user["total_user_accounts"] for user in counted)
    with simulator:
        print(json.dumps(Company(simulator.url, people, accounts)._asdict()), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
