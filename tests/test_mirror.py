"""Each module of the product has its tests: a file at the mirrored path, or one whose docstring says what it covers.

The line is `Covers: authz_app.policy.globs, authz_app.policy.limits`, at the end of the docstring. It goes on where the
next line is indented.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.test_architecture import ROOT, Module, sources

COVERS = re.compile(r"^Covers: *(.+(?:\n[ \t]+.+)*)", re.MULTILINE)


def files_of_tests() -> Iterator[Path]:
    return (ROOT / "tests").rglob("test_*.py")


def said_to_be_covered() -> dict[str, Path]:
    """The modules that test files name, each with one that does."""
    return {name: path for path in files_of_tests() for name in covered_by(path.read_text())}


def covered_by(source: str) -> Iterator[str]:
    for names in COVERS.findall(ast.get_docstring(ast.parse(source)) or ""):
        yield from (name.strip() for name in names.replace("\n", " ").split(",") if name.strip())


def needs_tests(module: Module) -> bool:
    """Everything but packages' files that are empty, and lists of URLs."""
    return bool(module.tree.body) and module.path.stem not in {"__init__", "urls"}


def own_tests(module: Module) -> Path:
    relative = module.path.relative_to(ROOT)
    return ROOT / "tests" / relative.parent / f"test_{relative.name}"


def test_each_module_has_its_tests_or_is_named_by_those_that_cover_it() -> None:
    covered = said_to_be_covered()
    untested = [one.name for one in sources() if needs_tests(one) and not own_tests(one).exists()]
    assert [name for name in untested if name not in covered] == []


def test_what_is_said_to_be_covered_exists() -> None:
    known = {module.name for module in sources()}
    assert {
        f"{path.relative_to(ROOT)}: {name}" for name, path in said_to_be_covered().items() if name not in known
    } == set()
