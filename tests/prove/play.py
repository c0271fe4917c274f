"""Set the stage, test the promises one after the other, and print what was seen."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from tests.prove import default_deny, identity, no_record_no_call, ownership, secrecy, taken_back
from tests.prove.display import Display
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.stage import Stage


@dataclass(frozen=True, slots=True)
class Promise:
    """One of the six: its words, and the function that tests it and says meanwhile what it is doing."""

    words: str
    prove: Callable[[Stage, Say], Awaitable[Evidence]]


PROMISES = (
    Promise("Every request proves who it is", identity.prove),
    Promise("Nothing is allowed unless a rule allows it", default_deny.prove),
    Promise("No record, no call", no_record_no_call.prove),
    Promise("Taken back means taken back", taken_back.prove),
    Promise("A session belongs to the issuer, subject and OAuth client ID that opened it", ownership.prove),
    Promise("Secrets stay secret", secrecy.prove),
)


def play(promises: Sequence[Promise], set_stage: Callable[[], AbstractContextManager[Stage]], display: Display) -> int:
    """Returns the exit code: 0 if every promise was kept."""
    started = time.monotonic()
    display.say("starting the site, and what it needs")
    with set_stage() as stage:
        display.print(f"The site under test: {stage.words}, on this machine, attacked from outside.")
        broken = asyncio.run(_play(promises, stage, display))
        display.say("stopping the site")
    seconds = time.monotonic() - started
    if broken:
        display.print(f"{broken} of {len(promises)} promises broken, in {seconds:.0f} s.", good=False)
        return 1
    display.print(f"{len(promises)} of {len(promises)} promises kept, in {seconds:.0f} s.", good=True)
    return 0


async def _play(promises: Sequence[Promise], stage: Stage, display: Display) -> int:
    """Returns how many are broken."""
    broken = 0
    async with stage.http:
        for number, promise in enumerate(promises, start=1):
            title = f"{number} {promise.words}"
            display.say(title)
            try:
                evidence = await promise.prove(stage, display.say)
            except Exception as error:  # noqa: BLE001  (the boundary: what could not be tested was not shown)
                display.broken(title, _seen(error))
                broken += 1
            else:
                display.kept(title, evidence.seen, evidence.not_shown)
    return broken


def _seen(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    seen = str(error)
    return f"Seen: {seen}" if isinstance(error, Broken) else f"It could not be tested: {type(error).__name__}: {seen}"
