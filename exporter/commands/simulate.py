"""`ghe-exporter simulate`: only the simulated GitHub."""

from collections.abc import Sequence

from exporter import logs
from exporter.commands.output import standard_output
from exporter.commands.signals import received_signals
from exporter.errors import ConfigurationError, SystemRefusal
from exporter.simulator.server import Simulator


def run(
    listen: str, *, users: int, runners: int, organizations: int, latency_ms: int, seed: int, faults: Sequence[str]
) -> int:
    """Serve until a signal comes; return the exit code."""
    logs.configure("info", "console")
    try:
        simulator = Simulator(
            listen,
            users=users,
            runners=runners,
            organizations=organizations,
            latency=latency_ms / 1000,
            seed=seed,
            faults=faults,
        )
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
    with received_signals() as signals:
        try:
            simulator.start()
        except OSError as error:
            raise SystemRefusal(f"--listen: cannot listen at {listen}: {error.strerror or error}") from None
        try:
            with standard_output() as out:
                out.write(introduction(simulator.url))
            signals.receive()
        finally:
            simulator.stop()
    return 0


def introduction(url: str) -> str:
    """What to do with it."""
    return (
        f"Simulated GitHub at {url}; any token that does not begin with `bad` is accepted. Try:\n"
        f"  export GHE_EXPORTER_API_URL={url} GHE_EXPORTER_ENTERPRISE=octo-corp GHE_EXPORTER_TOKEN=example\n"
        "  ghe-exporter serve\n"
        f"A GitHub Enterprise Server is at {url}/api/v3 (enterprise octo-server).\n"
    )
