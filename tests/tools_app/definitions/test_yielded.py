"""What callers are told of functions that yield, or return what is awaited."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Generator, Iterable, Iterator
from typing import Annotated, Any, Optional

import pytest

from tools_app.definitions.build import ToolOptions, build_tool
from tools_app.definitions.yielded import result_type


@pytest.mark.parametrize(
    ("annotated", "told"),
    [
        (Iterator[int], list[int]),
        (Iterable[str], list[str]),
        (Generator[int, None, str], list[int]),
        (AsyncIterator[dict[str, int]], list[dict[str, int]]),
        (AsyncGenerator[int, None], list[int]),
        (Iterator, list[Any]),
        (Annotated[Iterator[int], "numbers"], Annotated[list[int], "numbers"]),
        (Awaitable[int], int),
        (Coroutine[Any, Any, Iterator[int]], list[int]),
        (list[int], list[int]),
        (dict[str, int], dict[str, int]),
        (str, str),
        (Optional[int], Optional[int]),  # noqa: UP045  (as people write it)
        (None, None),
    ],
)
def test_the_items_of_what_yields_come_in_a_list(annotated: Any, told: Any) -> None:
    assert result_type(annotated) == told


def test_the_schema_of_a_tool_that_yields_is_that_of_a_list() -> None:
    async def numbers(first: int) -> AsyncIterator[int]:
        """Count."""
        yield first

    listed = build_tool(numbers, ToolOptions()).listed
    assert listed.output_schema is not None
    assert listed.output_schema["properties"]["result"]["items"] == {"type": "integer"}
    assert (listed.name, listed.description, list(listed.input_schema["properties"])) == (
        "numbers",
        "Count.",
        ["first"],
    )
