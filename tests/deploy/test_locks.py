"""Both lock files install with every supported pip, today and after the next release of any package in them.

pip before 24 takes coverage[toml] for unpinned where a lock names coverage alone, and then fails as soon as a newer
coverage is out: https://github.com/pypa/pip/issues/9644.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.programs import ROOT

RUN, DEV = "requirements.lock", "requirements-dev.lock"


@dataclass(frozen=True)
class Pin:
    """A package of a lock file."""

    requirement: Requirement
    hashes: int


def pins(lock: str) -> dict[str, Pin]:
    """The packages that the text of a lock file pins, by name."""
    found: dict[str, Pin] = {}
    for entry in lock.replace("\\\n", " ").splitlines():
        if entry and not entry.startswith("#"):
            text, *hashes = entry.split(" --hash=")
            requirement = Requirement(text)
            found[canonicalize_name(requirement.name)] = Pin(requirement, len(hashes))
    return found


def declared(*groups: str) -> list[Requirement]:
    """What pyproject.toml asks for."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    texts = document["project"]["dependencies"] + [
        each for name in groups for each in document["dependency-groups"][name]
    ]
    return [Requirement(text) for text in texts]


def asked(name: str, extras: set[str]) -> Iterator[Requirement]:
    """What an installed package asks for on this machine, with *extras* chosen; nothing where it is not installed."""
    try:
        texts = requires(name) or []
    except PackageNotFoundError:  # locked for another platform
        return
    for requirement in map(Requirement, texts):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
            yield requirement


def unpinned_extras(lock: dict[str, Pin], direct: list[Requirement]) -> set[str]:
    """Each extra that is asked for and that *lock* does not pin: "coverage[toml] for pytest-cov"."""
    wanted = [("pyproject.toml", requirement) for requirement in direct]
    wanted += [(name, asks) for name, pin in lock.items() for asks in asked(name, pin.requirement.extras)]
    return {
        f"{requirement.name}[{extra}] for {by}"
        for by, requirement in wanted
        for extra in requirement.extras
        if extra not in lock[canonicalize_name(requirement.name)].requirement.extras
    }


@pytest.mark.parametrize(("name", "groups"), [(RUN, ()), (DEV, ("dev",))])
def test_every_extra_asked_for_is_pinned_under_its_name(name: str, groups: tuple[str, ...]) -> None:
    assert unpinned_extras(pins((ROOT / name).read_text("utf-8")), declared(*groups)) == set()


@pytest.mark.parametrize(
    ("stripped", "expected"),
    [
        ("coverage[toml]", {"coverage[toml] for pyproject.toml", "coverage[toml] for pytest-cov"}),
        ("cachecontrol[filecache]", {"CacheControl[filecache] for pip-audit"}),
        ("pyjwt[crypto]", {"pyjwt[crypto] for pyproject.toml"}),
    ],
)
def test_extra_missing_in_the_lock_is_reported_with_who_asks_for_it(stripped: str, expected: set[str]) -> None:
    lock = (ROOT / DEV).read_text("utf-8").replace(stripped, stripped.partition("[")[0])
    assert unpinned_extras(pins(lock), declared("dev")) == expected


@pytest.mark.parametrize("name", [RUN, DEV])
def test_every_package_is_pinned_to_one_version_with_hashes(name: str) -> None:
    for package, pin in pins((ROOT / name).read_text("utf-8")).items():
        assert [each.operator for each in pin.requirement.specifier] == ["=="], package
        assert pin.hashes, package


def test_both_locks_pin_the_same_versions() -> None:
    run, dev = (pins((ROOT / name).read_text("utf-8")) for name in (RUN, DEV))
    for name, pin in run.items():
        assert str(dev[name].requirement) == str(pin.requirement)
