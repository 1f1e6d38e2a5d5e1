"""No private attribute of a library is used: its next release may rename it."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.programs import ROOT

EXCEPTIONS = {("exporter/github/connections.py", "_read_status")}
"""http.client has no other place where a deadline can be set before the status line is read."""
PUBLIC_ALL_THE_SAME = {"_replace", "_asdict", "_fields", "_make"}
"""Of named tuples, where the underscore keeps names of fields free."""
FILES = sorted((ROOT / "exporter").rglob("*.py"))


def is_private(name: str) -> bool:
    """Whether an attribute is meant for its own module only."""
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC_ALL_THE_SAME


def defined(tree: ast.Module) -> Iterator[str]:
    """Names that a module gives to something itself; that a class only annotates one defines nothing."""
    annotated = {id(node.target) for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and node.value is None}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif (
            isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in annotated
        ):
            yield node.attr if isinstance(node, ast.Attribute) else node.id
        if isinstance(node, ast.ClassDef) and node.decorator_list:  # a dataclass
            fields = (part.target for part in node.body if isinstance(part, ast.AnnAssign))
            yield from (field.id for field in fields if isinstance(field, ast.Name))


def foreign(tree: ast.Module, ours: frozenset[str]) -> set[str]:
    """Private attributes that *tree* uses and that none of *ours* can be, and those that it asks `super()` for."""
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and is_private(node.attr)]
    return {node.attr for node in used if node.attr not in ours or ast.unparse(node.value) == "super()"}


def test_private_attributes_of_libraries() -> None:
    """None is used but the one that has its reason."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in FILES}
    ours = frozenset(name for tree in trees.values() for name in defined(tree))
    used = {(str(path.relative_to(ROOT)), name) for path, tree in trees.items() for name in foreign(tree, ours)}
    assert used == EXCEPTIONS


def test_own_private_attributes_stay_in_their_module() -> None:
    """Ruff's SLF001 watches that; it is switched off only for another instance of the same class."""
    switched_off = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in FILES
        for line in path.read_text("utf-8").splitlines()
        if "noqa: SLF001" in line and "of the same class" not in line
    ]
    assert switched_off == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A(Library):\n    _kept: int\n    def f(self): return self._kept", {"_kept"}),
        ("class A(Library):\n    def f(self): self._own = 1; return self._own", set()),
        ("class A(Library):\n    def _read(self): return super()._read()", {"_read"}),
        ("thing._selector.register()", {"_selector"}),
        ("pair._replace(a=1)", set()),
        ("self.__init__()", set()),
    ],
)
def test_rule_finds_private_attributes_of_others(source: str, found: set[str]) -> None:
    """What the rule finds."""
    tree = ast.parse(source)
    assert foreign(tree, frozenset(defined(tree))) == found
