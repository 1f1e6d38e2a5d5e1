"""The simulator as a server: starting, stopping, counting, the same bytes for the same seed."""

import threading
from collections.abc import Callable

import pytest
import requests
import structlog

from exporter.simulator import Simulator
from exporter.simulator.api.bodies import Bodies, Body

Get = Callable[..., requests.Response]
USERS = "/enterprises/octo-corp/consumed-licenses"
PATHS = (
    f"{USERS}?per_page=100&page=2",
    "/enterprises/octo-corp/license-sync-status",
    "/enterprises/octo-corp/actions/runners?per_page=100",
    "/orgs/octo-org-3/actions/runners",
    "/api/v3/enterprises/octo-server/actions/runners",
)


def bodies(*, seed: int, at: float) -> list[bytes]:
    """Return what a new simulator answers."""
    with Simulator(seed=seed, now=lambda: at) as simulator, requests.Session() as session:
        session.headers["Authorization"] = "Bearer x"
        return [session.get(simulator.url + path, timeout=10).content for path in PATHS]


def test_same_seed_and_time_same_bytes(moments: list[float]) -> None:
    """What is answered depends on the seed and the time only."""
    [at] = moments
    first = bodies(seed=1, at=at)
    assert bodies(seed=1, at=at + 5) == first
    for other in (bodies(seed=2, at=at), bodies(seed=1, at=at + 15 * 86_400)):
        assert all(before != after for before, after in zip(first, other, strict=True))


def test_unused_simulator_has_counted_nothing(simulator: Simulator) -> None:
    """A simulator nobody asks has counted nothing."""
    assert simulator.requests == 0
    assert simulator.request_counts() == {}


def test_requests_are_counted_by_method_and_path(simulator: Simulator, get: Get) -> None:
    """Requests are counted by method and path, without the query."""
    get(f"{USERS}?page=1")
    get(f"{USERS}?page=2")
    get("/nothing")
    assert simulator.request_counts() == {f"GET {USERS}": 2, "GET /nothing": 1}
    assert simulator.requests == 3


def test_parallel_clients_get_the_right_answers(simulator: Simulator) -> None:
    """Clients in parallel all get the right answer."""
    answers: list[bytes] = []

    def ask() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = "Bearer x"
            answers.extend(session.get(simulator.url + USERS, timeout=10).content for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 40
    assert len(set(answers)) == 1


@pytest.mark.parametrize("options", [{"latency": 3_600.0}, {"faults": ["hang=1"]}])
def test_stop_ends_waiting_requests(options: dict[str, float]) -> None:
    """Stopping waits for nobody, neither for latency nor for a request that hangs."""
    simulator = Simulator(**options)  # type: ignore[arg-type] # the options differ in type
    came_in = threading.Event()

    def ask() -> None:
        try:
            requests.get(simulator.url + USERS, timeout=60)
        except requests.exceptions.ConnectionError:
            came_in.set()

    with simulator:
        client = threading.Thread(target=ask)
        client.start()
        while not simulator.requests:
            came_in.wait(0.001)
    client.join(timeout=10)
    assert not client.is_alive()


def test_stop_leaves_nothing_behind() -> None:
    """After stopping no thread is left, the port is free, and stopping again is no error."""
    before = set(threading.enumerate())
    with Simulator() as simulator:
        address = simulator.url.removeprefix("http://")
        requests.get(simulator.url, timeout=10)
    assert set(threading.enumerate()) == before
    simulator.stop()
    with Simulator(address) as again:
        assert again.url == simulator.url


def test_every_answer_takes_the_latency(moments: list[float]) -> None:
    """Every answer takes at least the latency."""
    with Simulator(latency=0.01, now=lambda: moments[-1]) as simulator:
        answer = requests.get(simulator.url, timeout=10)
    assert answer.elapsed.total_seconds() >= 0.01


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        (":10204", "http://127.0.0.1:10204"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("octo.example.com:8080", "http://octo.example.com:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("[::]:8080", "http://[::1]:8080"),
    ],
)
def test_url_can_be_asked_from_this_machine(listen: str, url: str) -> None:
    """The URL is one that can be asked from this machine."""
    assert Simulator(listen).url == url


@pytest.mark.parametrize("listen", ["", "localhost", "localhost:http", "10204"])
def test_address_without_port_is_refused(listen: str) -> None:
    """An address without a port is refused."""
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        Simulator(listen)


def test_bug_of_the_simulator_is_logged(get: Get, moments: list[float]) -> None:
    """An error of the simulator itself is a 500 and is logged."""
    moments.clear()
    with structlog.testing.capture_logs() as logs:
        assert get("/versions").status_code == 500
    assert [entry["event"] for entry in logs] == ["simulator failed"]
    assert "IndexError" in logs[0]["message"]


def test_rendered_bodies_are_bounded_in_bytes() -> None:
    """Rendered bodies are kept until there are too many bytes; the least used goes first."""
    made: list[str] = []
    kept = Bodies(max_stored_bytes=25)

    def get(key: str) -> bytes:
        def make() -> Body:
            made.append(key)
            return Body(b"0123456789", None)

        return kept.get(key, make).content

    for key in "abacab":
        assert get(key) == b"0123456789"
    assert made == ["a", "b", "c", "b"]
