"""Run the product in a system that fails it: `python -m tests.support.sabotage KIND serve …`.

`threads=SECONDS` refuses every thread of a run for so long. `web` stops the event loop of the web server at SIGUSR1.
"""

import asyncio
import signal
import sys
import threading
import time

from exporter.cli import main


def refuse_threads(seconds: float) -> None:
    """Refuse the threads of runs, as at a limit of processes."""
    start, until = threading.Thread.start, time.monotonic() + seconds

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("run ") and time.monotonic() < until:
            raise RuntimeError("can't start new thread")
        start(thread)

    setattr(threading.Thread, "start", limited)  # noqa: B010 - a method cannot be assigned to, says mypy


def stop_web_server_at_signal() -> None:
    """Stop every event loop at SIGUSR1, as a mistake in it would."""
    loops: list[asyncio.AbstractEventLoop] = []
    get_loop = asyncio.Runner.get_loop

    def noted(runner: asyncio.Runner) -> asyncio.AbstractEventLoop:
        loops.append(get_loop(runner))
        return loops[-1]

    setattr(asyncio.Runner, "get_loop", noted)  # noqa: B010
    signal.signal(signal.SIGUSR1, lambda *_: [loop.call_soon_threadsafe(loop.stop) for loop in loops])


if __name__ == "__main__":
    kind, _, value = sys.argv.pop(1).partition("=")
    if kind == "threads":
        refuse_threads(float(value))
    else:
        stop_web_server_at_signal()
    sys.exit(main(sys.argv[1:]))
