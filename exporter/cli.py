"""The command line."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from exporter import __version__
from exporter.errors import ConfigurationError, SystemRefusal

DEFAULT_LISTEN = ":10204"
DEFAULT_URL = "http://127.0.0.1:10204"
SIMULATOR_LISTEN = "127.0.0.1:10205"
LISTEN_HELP = "where to listen, HOST:PORT or :PORT; default: %(default)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0, 1 for a failure it reports, 2 for wrong settings or arguments."""
    options = parser().parse(arguments)
    try:
        return run(options)
    except ConfigurationError as error:
        sys.stderr.write(f"ghe-exporter: {one_line(str(error))}\n")
        return 2
    except SystemRefusal as error:
        sys.stderr.write(f"ghe-exporter: {one_line(str(error))}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output went away, as `head` does; nothing is wrong, and nothing can be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def run(options: argparse.Namespace) -> int:  # noqa: PLR0911 - one for each command
    """Call the command; each is imported when it is wanted, so that --help and healthcheck are quick."""
    # ruff: noqa: PLC0415
    match options.command:
        case "serve":
            from exporter.commands import serve

            return serve.run(options.config, web_config=options.web_config, enable_lifecycle=options.enable_lifecycle)
        case "demo":
            from exporter.commands import demo

            return demo.run(
                options.listen,
                users=options.users,
                runners=options.runners,
                organizations=options.organizations,
                seed=options.seed,
                web_config=options.web_config,
            )
        case "simulate":
            from exporter.commands import simulate

            return simulate.run(
                options.listen,
                users=options.users,
                runners=options.runners,
                organizations=options.organizations,
                latency_ms=options.latency_ms,
                seed=options.seed,
                faults=options.fault,
            )
        case "collect":
            from exporter.commands import collect

            return collect.run(options.config, options.output)
        case "check":
            from exporter.commands import check

            return check.run(options.config, as_json=options.as_json)
        case "healthcheck":
            from exporter.commands import healthcheck

            return healthcheck.run(options.url)
        case _:
            from exporter.commands import docs

            return docs.run(check=options.check)


def one_line(message: str) -> str:
    """*message* without line ends, which names of files may hold."""
    return " ".join(message.splitlines())


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line, as every other wrong setting's, and that wants options in full."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Read *arguments*; refuse what is left over by name alone, for its value may be a secret."""
        options, left = self.parse_known_args(arguments)
        if left:
            names = ", ".join(word.partition("=")[0] for word in left if word.startswith("-"))
            self.error(f"there is no option {names}" if names else "too many arguments")
        return options

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where help is."""
        self.exit(2, f"{self.prog}: {one_line(message)}; see {self.prog} --help\n")


def parser() -> OneLineParser:
    """Every command and option."""
    top = OneLineParser(
        prog="ghe-exporter",
        description="Prometheus exporter for GitHub Enterprise: licences, license sync, billing, runners.",
        epilog="Settings come from GHE_EXPORTER_… variables and the file of --config; see docs/configuration.md.",
    )
    top.add_argument("--version", action="version", version=f"ghe-exporter {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="collect in the background and answer scrapes")
    add_config(serve)
    add_web_config(serve)
    serve.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="allow POST /-/reload to load the configuration again (SIGHUP always does)",
    )

    demo = commands.add_parser("demo", help="the whole product on a simulated GitHub, no credentials needed")
    demo.add_argument("--listen", default=DEFAULT_LISTEN, metavar="ADDRESS", help=LISTEN_HELP)
    add_web_config(demo)
    add_estate(demo)

    simulate = commands.add_parser("simulate", help="only the simulated GitHub, to try the exporter against")
    simulate.add_argument("--listen", default=SIMULATOR_LISTEN, metavar="ADDRESS", help=LISTEN_HELP)
    add_estate(simulate)
    simulate.add_argument(
        "--latency-ms", type=count, default=0, metavar="N", help="milliseconds every answer takes; default: %(default)s"
    )
    simulate.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND=RATE",
        help="make a share of the answers go wrong, as in http-502=0.1; may be repeated; an unknown KIND lists all",
    )

    collect = commands.add_parser("collect", help="one pass of every collector; prints or writes the metrics")
    add_config(collect)
    collect.add_argument("--output", type=Path, metavar="FILE", help="write there, atomically, instead of printing")

    check = commands.add_parser("check", help="can the credentials read everything, and if not, what to repair")
    add_config(check)
    check.add_argument("--json", dest="as_json", action="store_true", help="print one JSON object, for scripts")

    healthcheck = commands.add_parser("healthcheck", help="exit 0 if a running exporter is healthy")
    healthcheck.add_argument("--url", default=DEFAULT_URL, help="where it listens; default: %(default)s")

    docs = commands.add_parser("docs", help="write the generated documentation of a checkout")
    docs.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is out of date")
    return top


def add_config(command: argparse.ArgumentParser) -> None:
    """Add the option for the settings file."""
    command.add_argument("--config", type=Path, metavar="FILE", help="settings in YAML; default: $GHE_EXPORTER_CONFIG")


def add_web_config(command: argparse.ArgumentParser) -> None:
    """Add the option for TLS and users."""
    command.add_argument(
        "--web.config.file",
        dest="web_config",
        type=Path,
        metavar="FILE",
        help="TLS, users and headers of the web endpoints, in the format of Prometheus' exporter-toolkit",
    )


def add_estate(command: argparse.ArgumentParser) -> None:
    """Add the options that size the simulated GitHub."""
    command.add_argument("--users", type=count, default=500, metavar="N", help="licence users; default: %(default)s")
    command.add_argument("--runners", type=count, default=60, metavar="N", help="runners; default: %(default)s")
    command.add_argument(
        "--organizations", type=count, default=5, metavar="N", help="organizations; default: %(default)s"
    )
    command.add_argument(
        "--seed", type=int, default=1, metavar="N", help="another seed, another company; default: %(default)s"
    )


def count(text: str) -> int:
    """A whole number that is not negative."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number
