"""The command line."""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from exporter import __version__
from exporter.commands.signals import deferred_signals
from exporter.config.addresses import DEFAULT_LISTEN, listen_address
from exporter.errors import ConfigurationError, SystemRefusal
from exporter.redaction import INSTEAD_OF_PATH, holds_credential, is_credential, one_line, redact
from exporter.regular_file import check_path

SIMULATOR_LISTEN = "127.0.0.1:10205"
LISTEN_HELP = "where to listen, HOST:PORT or :PORT for every address of this machine; default: %(default)s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code: 0, 1 for a failure it reports, 2 for wrong settings or arguments."""
    escape_unencodable_output()
    options = vars(parser().parse(arguments))
    run, is_service = options.pop("run"), options.pop("is_service")
    try:
        with deferred_signals() if is_service else nullcontext():
            return int(run(**options))
    except ConfigurationError as error:
        sys.stderr.write(f"ghe-exporter: {one_line(str(error))}\n")
        return 2
    except SystemRefusal as error:
        sys.stderr.write(f"ghe-exporter: {one_line(str(error))}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0  # the reader of our output has gone away, as `head` does


def escape_unencodable_output() -> None:
    """Let no output fail because a terminal or its locale lacks a character."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def command(name: str) -> Callable[..., int]:
    """What runs the command *name*; imported when it is wanted, so that --help and healthcheck are quick."""

    def run(**options: Any) -> int:
        code: int = import_module(f"exporter.commands.{name}").run(**options)
        return code

    return run


class OneLineParser(argparse.ArgumentParser):
    """A parser whose complaint is one line, as every other wrong setting's, and that wants options in full."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Read *arguments*; refuse what is left over by name alone, for its value may be a secret."""
        options, left = self.parse_known_args(arguments)
        if left:
            names = ", ".join(word.partition("=")[0] for word in left if word.startswith("-"))
            self.error(f"there is no option {redact(names)}" if names else "too many arguments")
        return options

    def error(self, message: str) -> NoReturn:
        """Report what is wrong and where help is."""
        self.exit(2, f"{self.prog}: {redact(one_line(message))}; see {self.prog} --help\n")


def parser() -> OneLineParser:
    """Every command and option; the names of the options are those of the parameters of the command's `run`."""
    top = OneLineParser(
        prog="ghe-exporter",
        description="Prometheus exporter for GitHub Enterprise: licenses, license sync, billing, runners and more.",
        epilog="Settings come from GHE_EXPORTER_* variables and the file of --config; see docs/configuration.md.",
    )
    top.add_argument("--version", action="version", version=f"ghe-exporter {__version__}")
    top.set_defaults(is_service=False)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="collect in the background and answer scrapes")
    add_config(serve)
    add_web_config(serve)
    serve.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="allow POST /-/reload to load the configuration again (SIGHUP always does)",
    )
    serve.set_defaults(run=command("serve"), is_service=True)

    demo = commands.add_parser("demo", help="run everything on a simulated GitHub, without credentials")
    demo.add_argument("--listen", type=address, default=DEFAULT_LISTEN, metavar="ADDRESS", help=LISTEN_HELP)
    add_web_config(demo)
    add_company(demo)
    demo.set_defaults(run=command("demo"), is_service=True)

    simulate = commands.add_parser("simulate", help="run the simulated GitHub alone, to try the exporter against it")
    simulate.add_argument("--listen", type=address, default=SIMULATOR_LISTEN, metavar="ADDRESS", help=LISTEN_HELP)
    add_company(simulate)
    simulate.add_argument(
        "--latency-ms",
        type=count,
        default=0,
        metavar="N",
        help="milliseconds that every response takes; default: %(default)s",
    )
    simulate.add_argument(
        "--fault",
        dest="faults",
        action="append",
        default=[],
        metavar="KIND=RATE",
        help="make a share of the responses fail, as in http-502=0.1; may be repeated; an unknown KIND lists all",
    )
    simulate.set_defaults(run=command("simulate"))

    collect = commands.add_parser("collect", help="run every collector once and print or write the metrics")
    add_config(collect)
    collect.add_argument(
        "--output", type=path, metavar="FILE", help="write the metrics to FILE, atomically; - prints them (the default)"
    )
    collect.set_defaults(run=command("collect"))

    check = commands.add_parser("check", help="check what the configured credentials can read")
    add_config(check)
    check.add_argument("--json", dest="as_json", action="store_true", help="print one JSON object, for scripts")
    check.set_defaults(run=command("check"))

    healthcheck = commands.add_parser("healthcheck", help="exit 0 if the running exporter is healthy")
    healthcheck.add_argument("--url", help="where it listens; default: the address of the settings")
    add_config(healthcheck)
    add_web_config(healthcheck)
    healthcheck.set_defaults(run=command("healthcheck"))

    docs = commands.add_parser("docs", help="write the generated documentation of a checkout")
    docs.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is out of date")
    docs.set_defaults(run=command("docs"))
    return top


def add_config(command: argparse.ArgumentParser) -> None:
    """Add the option for the settings file."""
    command.add_argument("--config", type=path, metavar="FILE", help="settings in YAML; default: $GHE_EXPORTER_CONFIG")


def add_web_config(command: argparse.ArgumentParser) -> None:
    """Add the option for TLS and users."""
    command.add_argument(
        "--web.config.file",
        dest="web_config",
        type=path,
        metavar="FILE",
        help="TLS, users and headers of the web endpoints, in the format of Prometheus' exporter-toolkit",
    )


def add_company(command: argparse.ArgumentParser) -> None:
    """Add the options that size the simulated company."""
    command.add_argument("--users", type=count, default=500, metavar="N", help="license users; default: %(default)s")
    command.add_argument("--runners", type=count, default=60, metavar="N", help="runners; default: %(default)s")
    command.add_argument(
        "--organizations", type=count, default=5, metavar="N", help="organizations; default: %(default)s"
    )
    command.add_argument(
        "--seed", type=number, default=1, metavar="N", help="seed of the generated data; default: %(default)s"
    )


def path(text: str) -> Path:
    """The path of a file."""
    if is_credential(text):
        raise argparse.ArgumentTypeError(INSTEAD_OF_PATH)
    try:
        return Path(check_path(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def address(text: str) -> str:
    """An address to listen at."""
    if holds_credential(text):
        raise argparse.ArgumentTypeError("is a credential; it must be HOST:PORT or :PORT")
    try:
        return listen_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def number(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a whole number") from None


def count(text: str) -> int:
    """A whole number that is not negative."""
    if (counted := number(text)) < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return counted
