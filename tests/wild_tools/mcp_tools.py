"""Tools, resources, prompts and completions that raise what nobody expects, take their time in odd places, or yield."""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.utils import timezone, translation
from pydantic import AfterValidator, BaseModel, field_serializer

from authz_app.models import Client
from tools_app.registry import prompt, resource, tool

# What a tool waits for that is to take its time; ``open_gate`` opens it.
gate = threading.Event()
LONG = 60.0


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit("str")

    def __repr__(self) -> str:
        raise KeyboardInterrupt("repr")


class Untraceable(Exception):
    @property
    def __traceback__(self) -> Any:  # type: ignore[override]
        raise SystemExit("traceback")


class Unnameable(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise SystemExit("name")


class Nameless(Exception, metaclass=Unnameable):
    pass


def parse_bad_option() -> None:
    argparse.ArgumentParser(exit_on_error=True).parse_args(["--nonsense"])


def exit_deep_inside() -> None:
    try:
        raise ValueError("first")
    except ValueError:
        sys.exit("then")


MADE: dict[str, Callable[[], BaseException]] = {
    "system_exit": lambda: SystemExit(2),
    "keyboard_interrupt": KeyboardInterrupt,
    "generator_exit": GeneratorExit,
    "cancelled": asyncio.CancelledError,
    "stop_iteration": StopIteration,
    "stop_async_iteration": StopAsyncIteration,
    "group": lambda: BaseExceptionGroup("several", [SystemExit(3), KeyboardInterrupt()]),
    "bare": lambda: BaseException("bare"),
    "unspeakable": lambda: Unspeakable("x"),
    "untraceable": lambda: Untraceable("x"),
    "nameless": lambda: Nameless("x"),
    "recursion": RecursionError,
    "memory": MemoryError,
}


def boom(what: str) -> None:
    if what == "argparse":
        parse_bad_option()
    if what == "deep":
        exit_deep_inside()
    raise MADE[what]()


class Odd(BaseModel):
    what: str

    @field_serializer("what")
    def _say(self, what: str) -> str:
        boom(what)
        return what


class Shown:
    def __init__(self, what: str) -> None:
        self._what = what

    def __str__(self) -> str:
        boom(self._what)
        return ""


class Propertied:
    what: str

    def __init__(self, what: str) -> None:
        self._what = what

    @property
    def said(self) -> str:
        boom(self._what)
        return ""


class Said(BaseModel):
    model_config = {"from_attributes": True}
    said: str


def checked(value: str) -> str:
    boom(value)
    return value


@tool
def in_function(what: str) -> str:
    boom(what)
    return what


@tool
async def in_async_function(what: str) -> str:
    boom(what)
    return what


@tool
async def after_a_while(what: str) -> str:
    await asyncio.sleep(0)
    boom(what)
    return what


@tool
def in_generator(what: str) -> Any:
    yield 1
    boom(what)


@tool
async def in_async_generator(what: str) -> Any:
    yield 1
    boom(what)


@tool
async def in_generator_of_async_function(what: str) -> Any:
    return in_generator(what)


@tool
def in_serializer(what: str) -> Odd:
    return Odd(what=what)


@tool
async def in_serializer_of_async_function(what: str) -> Odd:
    return Odd(what=what)


@tool
async def in_text_of_an_item(what: str) -> list[Any]:
    return [Shown(what)]


@tool
async def in_property(what: str) -> Said:
    return Propertied(what)  # type: ignore[return-value]


@tool
def in_validator(what: Annotated[str, AfterValidator(checked)]) -> str:
    return what


@tool
async def in_validator_of_async_function(what: Annotated[str, AfterValidator(checked)]) -> str:
    return what


@tool
async def in_task(what: str) -> str:
    await asyncio.create_task(after_a_while(what))
    return what


@tool
async def in_group(what: str) -> str:
    async with asyncio.TaskGroup() as group:
        group.create_task(after_a_while(what))
    return what


@tool
async def in_plain_code(what: str) -> str:
    await sync_to_async(boom)(what)
    return what


@tool
async def in_cleanup(what: str) -> str:
    try:
        raise ValueError("first")
    finally:
        boom(what)


@tool
def not_awaited(what: str) -> Awaitable[str]:
    return after_a_while(what)


@resource("odd://plain/{what}")
def odd_resource(what: str) -> str:
    boom(what)
    return what


@resource("odd://async/{what}")
async def odd_async_resource(what: str) -> str:
    boom(what)
    return what


@resource("odd://yielded/{what}")
def odd_yielded_resource(what: str) -> Any:
    yield "one"
    boom(what)


@prompt(complete={"what": lambda typed: in_function(typed)})
def odd_prompt(what: str) -> str:
    boom(what)
    return what


def complete_late(typed: str) -> Iterator[str]:
    yield "one"
    boom(typed)


async def complete_later(typed: str) -> AsyncIterator[str]:
    yield "one"
    boom(typed)


@prompt(complete={"what": complete_late, "other": complete_later})
async def odd_async_prompt(what: str, other: str = "") -> str:
    boom(what)
    return what


@tool
async def leave_a_task(what: str) -> str:
    """Begin something that ends badly when nobody waits for it any more."""
    task = asyncio.get_running_loop().create_task(after_a_while(what))
    task.add_done_callback(lambda done: None if done.cancelled() else done.exception())
    return "left"


@tool
async def leave_a_callback(what: str) -> str:
    asyncio.get_running_loop().call_soon(boom, what)
    return "left"


@tool
def leave_a_thread(what: str) -> str:
    thread = threading.Thread(target=sys.exit, args=[what])
    thread.start()
    thread.join()
    return "left"


# Taking time in odd places.


def wait_at_gate() -> str:
    gate.wait(LONG)
    return "opened"


class Slow(BaseModel):
    value: str = "x"

    @field_serializer("value")
    def _slowly(self, value: str) -> str:
        return wait_at_gate()


class SlowError(Exception):
    def __str__(self) -> str:
        return wait_at_gate()


@tool
def open_gate() -> str:
    gate.set()
    return "opened"


@tool
def close_gate() -> str:
    gate.clear()
    return "closed"


@tool
def yields_slowly() -> Any:
    yield wait_at_gate()


@tool
async def returns_what_yields_slowly() -> Any:
    return (wait_at_gate() for _ in range(2))


@tool
async def serializes_slowly() -> Slow:
    return Slow()


@tool
def serializes_slowly_in_thread() -> Slow:
    return Slow()


@tool
async def lists_what_serializes_slowly() -> list[Slow]:
    return [Slow(), Slow()]


@tool
async def holds_what_serializes_slowly() -> dict[str, Any]:
    return {"one": {"two": [Slow()]}}


@tool
async def fails_slowly() -> str:
    raise SlowError


@tool
async def checks_slowly(value: Annotated[str, AfterValidator(lambda value: wait_at_gate())] = "x") -> str:
    return value


@tool
async def asks_slowly() -> str:
    return await sync_to_async(wait_at_gate)()


@tool(time_limit=0.5)
def yields_too_long() -> Any:
    for number in range(100):
        time.sleep(0.2)
        yield number


@tool(time_limit=0.5)
async def yields_without_waiting() -> Any:
    while True:
        time.sleep(0.01)
        yield 1


@tool(time_limit=0.5)
async def serializes_too_long() -> Slow:
    return Slow()


@tool
def yields_without_end() -> Any:
    while True:
        yield 1


# Yielding.


@tool
def plain_numbers(count: int) -> Any:
    yield from range(count)


@tool
async def async_numbers(count: int) -> Any:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


@tool
def plain_iterator(count: int) -> Iterator[int]:
    yield from range(count)


@tool
def plain_generator(count: int) -> Generator[int, None, None]:
    yield from range(count)


@tool
async def async_iterator(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


# The database.


@tool
async def count_async() -> int:
    return await Client.objects.acount()


@tool
def count_plain() -> int:
    return Client.objects.count()


@tool
async def count_and_wait() -> int:
    """Use the ORM, and then wait for something else."""
    count = await Client.objects.acount()
    while not gate.is_set():
        await asyncio.sleep(0.01)
    return count


@tool
async def where() -> list[str]:
    """The names of the threads that run this call's plain code."""
    names = [await sync_to_async(lambda: threading.current_thread().name)() for _ in range(3)]
    return sorted(set(names))


@tool
async def lazy_clients() -> Any:
    return Client.objects.values_list("subject", flat=True).iterator()


@tool
async def subjects() -> list[str]:
    return [client.subject async for client in Client.objects.all().aiterator(chunk_size=1)]


@tool
def speak(language: str) -> str:
    found = f"{translation.get_language()} {timezone.get_current_timezone_name()}"
    translation.activate(language)
    timezone.activate("Asia/Tokyo")
    return found


@tool
async def speak_async(language: str) -> str:
    found = f"{translation.get_language()} {timezone.get_current_timezone_name()}"
    translation.activate(language)
    timezone.activate("Asia/Tokyo")
    return found
