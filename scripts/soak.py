"""The real `serve` against a simulated GitHub whose faults change at random, scraped by many at a time.

Prints a summary; exit status 1 if something that is promised did not hold: every scrape is valid, threads, descriptors
and memory do not grow, no request is undue, no collector is stuck, the log holds no traceback and no secret. The same
seed gives the same order of faults.
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

sys.path.insert(0, str(Path(__file__).parent.parent))

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.collectors import COLLECTORS
from exporter.commands.demo import OPT_IN
from exporter.simulator import KINDS, Simulator

TOKEN = "ghp_Canary0123456789abcdefghijklmnopqrstu1"
SECRETS = re.compile(r"Canary|\w@\w")
INTERVAL = 10
"""The shortest there is, so that much happens."""
MAX_REQUESTS = 250
"""Of one run with its repetitions, whatever the fault."""
RECOVERING = tuple(sorted(kind for kind in KINDS if not kind.startswith("rate-limit-primary")))
"""A used-up hour recovers with the next hour only; that is tested with a clock of its own."""
LASTING = frozenset(kind for kind in KINDS if "rate-limit" in kind) | {
    *("retry-after", "too-many-requests", "not-found", "gone", "forbidden")
}
"""One such answer silences a credential for a minute or a collector for a day, so they are rare."""
SELDOM = 0.002
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@dataclass
class Findings:
    """What was seen."""

    scrapes: int = 0
    changes: int = 0
    slowest: float = 0.0
    problems: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, holds: bool, problem: str) -> None:  # noqa: FBT001
        """Note *problem* unless it *holds*."""
        if not holds:
            with self.lock:
                self.problems.append(problem)


@dataclass(frozen=True)
class Usage:
    """What a process holds."""

    threads: int
    descriptors: int
    megabytes: float

    @classmethod
    def of(cls, pid: int) -> "Usage":
        """Read it from /proc."""
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
        values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(int(values["Threads"]), descriptors, int(values["VmRSS"].split()[0]) / 1024)


def settings(simulator: Simulator, listen: str) -> str:
    """Every enterprise with every collector at the shortest interval; JSON is YAML."""
    slugs = dict.fromkeys(("octo-corp", "octo-legacy", "octo-tenant"), simulator.url)
    slugs["octo-server"] = simulator.server_url
    enterprises = [{"slug": slug, "api_url": url, "auth": {"token": TOKEN}} for slug, url in slugs.items()]
    # One that GitHub allows few requests recovers only after its own interval, which is longer than this lasts.
    collectors = {
        each.name: {"interval": f"{INTERVAL}s", **OPT_IN.get(each.name, {})}
        if each.min_interval <= INTERVAL
        else {"enabled": False}
        for each in COLLECTORS
    }
    limits = {"max_response_megabytes": 1, "max_pages": 20}
    return json.dumps(
        {"listen": listen, "enterprises": enterprises, "collectors": collectors, "limits": limits, "log_format": "json"}
    )


def mixture(chance: random.Random, kinds: Sequence[str]) -> list[str]:
    """Some faults at some rates, now and then none."""
    chosen = chance.sample(kinds, min(len(kinds), chance.choice([0, 1, 2, 3, 5])))
    return [f"{kind}={SELDOM if kind in LASTING else chance.choice([0.05, 0.2, 0.5, 1.0])}" for kind in chosen]


@contextmanager
def serving(simulator: Simulator, folder: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The product as a process of its own, and its URL."""
    config, log = folder / "config.yaml", folder / "log"
    config.write_text(settings(simulator, "127.0.0.1:0"), encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GHE_EXPORTER_")}
    command = [sys.executable, "-m", "exporter", "serve", "--config", str(config)]
    root = Path(__file__).parent.parent
    with (
        log.open("w") as file,
        subprocess.Popen(command, cwd=root, env=inherited, stdout=file, stderr=file, text=True) as process,
    ):
        try:
            yield process, listening(process.pid)
        finally:
            process.kill()


def listening(pid: int) -> str:
    """The URL at which the process listens, found among the sockets it has."""
    never = threading.Event()
    for _ in range(600):
        inodes = set()
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").rstrip("]"))
            except OSError:
                continue
        for line in Path(f"/proc/{pid}/net/tcp").read_text("utf-8").splitlines()[1:]:
            part = line.split()
            if part[3] == "0A" and part[9] in inodes:
                return f"http://127.0.0.1:{int(part[1].partition(':')[2], 16)}"
        never.wait(0.1)
    raise TimeoutError("serve does not listen")


def scrape(url: str, found: Findings, stop: threading.Event, *, openmetrics: bool) -> None:
    """Scrape again and again; every answer must be valid."""
    accept, parse = (OPENMETRICS, parse_openmetrics) if openmetrics else ("text/plain", parse_text)
    while not stop.wait(0.5):
        started = time.monotonic()
        try:
            with urlopen(Request(f"{url}/metrics", headers={"Accept": accept}), timeout=30) as answer:
                text = answer.read().decode()
        except OSError as error:
            found.expect(stop.is_set(), f"scrape failed: {error!r}")
            continue
        with found.lock:
            found.scrapes += 1
            found.slowest = max(found.slowest, time.monotonic() - started)
        try:
            families = [family for family in parse(text) if family.name.startswith("ghe_")]
            found.expect(len(families) > 0, "nothing exposed")
            found.expect(not SECRETS.search(text), "a secret is exposed")
        except ValueError as error:
            found.expect(False, f"invalid exposition: {error}")


def series(url: str, name: str) -> dict[tuple[str, ...], float]:
    """Values of one metric of the exporter by its labels."""
    with urlopen(f"{url}/metrics", timeout=30) as answer:
        families = parse_text(answer.read().decode())
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


def check_end(url: str, found: Findings, seconds: float) -> None:
    """Without faults every collector works again; none has been stuck, none has met a bug."""
    never = threading.Event()
    missing: set[tuple[str, ...]] = set()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        good = series(url, "ghe_exporter_collector_success")
        offered = series(url, "ghe_exporter_collector_available")
        missing = {key for key, value in good.items() if not value and offered.get(key) == 1}
        if not missing:
            break
        never.wait(1)
    found.expect(not missing, f"not recovered: {sorted(missing)}")
    bugs = {
        key for key, count in series(url, "ghe_exporter_collector_failures_total").items() if count and "bug" in key
    }
    found.expect(not bugs, f"bugs: {sorted(bugs)}")


def soak(seconds: float, seed: int, scrapers: int, recovery: float, kinds: Sequence[str]) -> Findings:
    """Run it all; report what was found."""
    chance, found, stop = random.Random(seed), Findings(), threading.Event()
    with (
        tempfile.TemporaryDirectory() as name,
        Simulator(users=230, runners=30, organizations=3, seed=seed, rate_limit=10**7) as simulator,
    ):
        simulator.faults.drip_seconds, simulator.faults.oversized_bytes = 0.01, 1_100_000
        with serving(simulator, Path(name)) as (process, url):
            threads = [
                threading.Thread(target=scrape, args=(url, found, stop), kwargs={"openmetrics": bool(number % 2)})
                for number in range(scrapers)
            ]
            for thread in threads:
                thread.start()
            usages: list[Usage] = []
            ends = time.monotonic() + seconds
            while (left := ends - time.monotonic()) > 0:
                simulator.faults.set(*mixture(chance, kinds))
                found.changes += 1
                stop.wait(min(left, chance.uniform(1, 8)))
                found.expect(process.poll() is None, "the process ended")
                usages.append(Usage.of(process.pid))
            simulator.faults.clear()
            check_end(url, found, recovery)
            stop.set()
            for thread in threads:
                thread.join()
            grown(usages, found)
            runs = len(series(url, "ghe_exporter_collector_success")) * (seconds + recovery) / INTERVAL
            found.expect(
                simulator.requests < runs * MAX_REQUESTS, f"{simulator.requests} requests in about {runs:.0f} runs"
            )
            process.send_signal(signal.SIGTERM)
            found.expect(process.wait(10) == 0, "no clean end")
            check_log((Path(name) / "log").read_text("utf-8"), found)
            report(found, usages, simulator.requests)
    return found


def grown(usages: list[Usage], found: Findings) -> None:
    """After the warm-up, which is the first third, nothing grows beyond what a burst explains."""
    third = len(usages) // 3
    if third < 3:  # noqa: PLR2004
        return
    middle, end = usages[third : 2 * third], usages[2 * third :]
    for what, allowed in (("threads", 40.0), ("descriptors", 40.0), ("megabytes", 25.0)):
        before, after = (max(getattr(each, what) for each in part) for part in (middle, end))
        found.expect(after <= before + allowed, f"{what} grew from {before:.0f} to {after:.0f}")


def check_log(log: str, found: Findings) -> None:
    """No traceback, no secret, no bug."""
    for sign in ("Traceback", "please report this", "task crashed"):
        found.expect(sign not in log, f"the log holds: {sign}")
    found.expect(not SECRETS.search(log), "the log holds a secret")


def report(found: Findings, usages: list[Usage], requests: int) -> None:
    """Print the figures."""
    sys.stdout.write(
        f"{found.changes} mixtures of faults, {requests} requests to GitHub, {found.scrapes} scrapes, "
        f"the slowest {found.slowest:.2f} s\n"
    )
    for what in ("threads", "descriptors", "megabytes"):
        values = [getattr(each, what) for each in usages]
        sys.stdout.write(f"{what}: first {values[0]:.0f}, most {max(values):.0f}, last {values[-1]:.0f}\n")
    sys.stdout.writelines(f"VIOLATED: {problem}\n" for problem in dict.fromkeys(found.problems))
    sys.stdout.write("all promises held\n" if not found.problems else "")


def main() -> int:
    """Read the options and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--scrapers", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--recovery-seconds", type=float, default=420.0, help="time to recover; default: %(default)s")
    parser.add_argument("--fault", action="append", choices=RECOVERING, help="mix only these; default: all")
    options = parser.parse_args()
    found = soak(
        options.minutes * 60, options.seed, options.scrapers, options.recovery_seconds, options.fault or RECOVERING
    )
    return 1 if found.problems else 0


if __name__ == "__main__":
    sys.exit(main())
