"""The table of what is taken out to see a test fail fits the source, the tests and docs/contributing.md.

`python -m tests.mutations` does it.
"""

import ast
from pathlib import Path

from tests.mutations.table import MUTATIONS
from tests.site import ROOT

GUIDE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")


def test_each_check_stands_once_in_the_source() -> None:
    missing = [one.row for one in MUTATIONS if (ROOT / one.path).read_text(encoding="utf-8").count(one.old) != 1]
    assert missing == []


def test_each_test_exists() -> None:
    assert [one.test for one in MUTATIONS if one.test.partition("::")[2] not in _tests(one.test)] == []


def _tests(test: str) -> set[str]:
    tree = ast.parse((ROOT / Path(test.partition("::")[0])).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_promise_has_some() -> None:
    assert {one.promise for one in MUTATIONS} == {1, 2, 3, 4, 5, 6}


def test_the_guide_has_the_table() -> None:
    rows = [line for line in GUIDE.splitlines() if line[:3] in {f"| {number}" for number in range(1, 7)}]
    assert rows == [one.row for one in MUTATIONS]
