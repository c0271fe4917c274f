"""How tests wait."""

import ast
import asyncio
import re
from collections.abc import Iterator

import pytest

from tests.eventually import eventually, wait_until
from tests.site import ROOT

# Where time is the point, and tools that take a while; `repeat.py` tells what runs of the tests took.
MAY_SLEEP = {
    *("bench", "conformance", "drills", "eventually.py", "fixture_tools", "prove", "repeat.py", "wild_tools"),
    "clients",  # They pause until their token has expired.
}
MEASURES = {"process_time", "process_time_ns", "thread_time", "thread_time_ns", "getrusage", "memory_info"}


async def test_what_holds_is_returned_once_it_does() -> None:
    seen = iter([0, [], "", "this"])
    assert await eventually(lambda: next(seen)) == "this"
    seen = iter([1, 2, 0, 3])
    assert await eventually(lambda: next(seen), equals=0) == 0
    assert next(seen) == 3


async def test_what_has_to_be_awaited_is() -> None:
    seen = iter([0, 7])

    async def look() -> int:
        await asyncio.sleep(0)
        return next(seen)

    assert await eventually(look) == 7


def test_without_an_event_loop_the_thread_waits() -> None:
    seen = iter([0, 7, 8])
    assert wait_until(lambda: next(seen), equals=8) == 8


WAITED = re.escape("Waited 0.01 s for a miracle to equal 2. Last seen: 1")


async def test_who_gives_up_says_what_was_waited_for() -> None:
    with pytest.raises(AssertionError, match=WAITED):
        await eventually(lambda: 1, equals=2, within=0.01, what="a miracle")
    with pytest.raises(AssertionError, match=WAITED):
        wait_until(lambda: 1, equals=2, within=0.01, what="a miracle")
    with pytest.raises(AssertionError, match=re.escape("eventually(lambda: 1 > 2, within=0.01)")):
        await eventually(lambda: 1 > 2, within=0.01)


async def test_a_look_that_hangs_is_given_up() -> None:
    with pytest.raises(AssertionError, match="Last seen: <coroutine"):
        await eventually(asyncio.Event().wait, within=0.01)


async def test_what_a_look_raises_is_raised() -> None:
    async def look() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await eventually(look)


def called_in(tree: ast.Module) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield node, node.func.id if isinstance(node.func, ast.Name) else node.func.attr


def sleeps(call: ast.Call, name: str) -> bool:
    """A pause of 0 is a turn of the event loop, and takes no time."""
    return (
        name == "sleep" and bool(call.args) and not (isinstance(call.args[0], ast.Constant) and call.args[0].value == 0)
    )


def test_no_test_sleeps_or_measures() -> None:
    offenders = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        place = path.relative_to(ROOT / "tests")
        if place.parts[0] not in MAY_SLEEP:
            calls = called_in(ast.parse(path.read_text()))
            offenders += [f"{place}:{call.lineno}" for call, name in calls if sleeps(call, name) or name in MEASURES]
    assert offenders == [], "wait by `eventually`, or for an event; time and memory are for the bench"
