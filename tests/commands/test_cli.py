"""The command line: help, version, and complaints of one line."""

import argparse
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from exporter import __version__
from exporter.cli import main, parser
from tests.support.programs import run
from tests.support.secret_marker import CANARY, TOKEN, the_line

LISTEN = "must be HOST:PORT or :PORT, for instance :10204"
COMMANDS = ("serve", "demo", "simulate", "collect", "check", "healthcheck", "docs")


def parsers() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """The parser of the program and of each command."""
    top = parser()
    yield "", top
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def ends(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line that ends before it begins."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code, *capsys.readouterr()


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints name and version."""
    assert ends(capsys, "--version") == (0, f"ghe-exporter {__version__}\n", "")


def test_every_command_has_a_parser() -> None:
    """There is a parser for every command."""
    assert [name for name, _ in parsers()] == ["", *COMMANDS]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_explains_every_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help of every command ends with 0 and names every option with its explanation."""
    code, out, err = ends(capsys, *filter(None, [command]), "--help")
    assert (code, err) == (0, "")
    shown = "".join(out.split())
    for action in dict(parsers())[command]._actions:
        if isinstance(action, argparse._SubParsersAction):
            assert all(choice.help for choice in action._choices_actions)
            assert all(name in out for name in COMMANDS)
            continue
        assert action.help, action.option_strings
        explained = (action.help % {"default": action.default, "prog": ""}).split()
        assert "".join(explained) in shown
        assert all(option in out for option in action.option_strings)


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_the_parameters_of_the_command(name: str) -> None:
    """Each command is called with its options by name: one that is missing there would only show when it is used."""
    parameters = inspect.signature(import_module(f"exporter.commands.{name}").run).parameters
    options = {action.dest for action in dict(parsers())[name]._actions} - {"help"}
    required = {key for key, parameter in parameters.items() if parameter.default is parameter.empty}
    assert required <= options <= parameters.keys()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "ghe-exporter: the following arguments are required: COMMAND; see ghe-exporter --help"),
        (["serve", "--lisen", ":1"], "ghe-exporter: there is no option --lisen; see ghe-exporter --help"),
        (["serve", "--conf", "f.yaml"], "ghe-exporter: there is no option --conf; see ghe-exporter --help"),
        (["collect", f"--token={TOKEN}"], "ghe-exporter: there is no option --token; see ghe-exporter --help"),
        (["serve", "--token", TOKEN], "ghe-exporter: there is no option --token; see ghe-exporter --help"),
        (["serve", TOKEN], "ghe-exporter: too many arguments; see ghe-exporter --help"),
        (["serve", "-x", "--y\n"], "ghe-exporter: there is no option -x, --y; see ghe-exporter --help"),
        (
            ["serve", "--config"],
            "ghe-exporter serve: argument --config: expected one argument; see ghe-exporter serve --help",
        ),
        (
            ["simulate", "--users", "many"],
            "ghe-exporter simulate: argument --users: must be a whole number; see ghe-exporter simulate --help",
        ),
        (
            ["demo", "--runners", "-1"],
            "ghe-exporter demo: argument --runners: must not be negative; see ghe-exporter demo --help",
        ),
        (
            ["demo", "--organizations", "1.5"],
            "ghe-exporter demo: argument --organizations: must be a whole number; see ghe-exporter demo --help",
        ),
        *(
            (
                [command, "--listen", listen],
                f"ghe-exporter {command}: argument --listen: {LISTEN}; see ghe-exporter {command} --help",
            )
            for command, listen in (("demo", "nowhere"), ("simulate", "localhost"), ("simulate", "127.0.0.1:65536"))
        ),
        (
            ["demo", "--seed", "x"],
            "ghe-exporter demo: argument --seed: must be a whole number; see ghe-exporter demo --help",
        ),
    ],
)
def test_wrong_arguments_are_one_line_without_secrets(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong arguments end with 2 and one line that names them but no secret."""
    code, out, err = ends(capsys, *arguments)
    assert (code, out, err) == (2, "", f"{line}\n")
    assert CANARY not in err


def test_unknown_command_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command ends with 2 and one line that lists the known ones."""
    code, out, err = ends(capsys, "server")
    assert (code, out) == (2, "")
    assert all(command in the_line(err) for command in COMMANDS)


def test_docs_outside_a_checkout_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`docs` outside a checkout ends with 2 and one line."""
    monkeypatch.chdir(tmp_path)
    assert main(["docs", "--check"]) == 2
    out, err = capsys.readouterr()
    assert (out, the_line(err)[:5]) == ("", "docs:")


def test_module_is_the_same_program() -> None:
    """`python -m exporter` is the same program, and its exit code is that of the command."""
    version = run("--version")
    assert (version.code, version.out, version.err) == (0, f"ghe-exporter {__version__}\n", "")
    wrong = run("serve", "--nothing")
    assert (wrong.code, wrong.out) == (2, "")
    assert "--nothing" in the_line(wrong.err)
    unset = run("serve")
    assert (unset.code, unset.out) == (2, "")
    assert the_line(unset.err).startswith("no enterprise")
