"""Promise 3: no record, no call. Counted by a tool that leaves its own marks, outside the database."""

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.databases import connect
from tests.postgresql import Cluster
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.load import Load, load
from tests.prove.stage import Stage

_BEFORE = _AFTER = 300
_OUTAGE = 3.0
# What was recorded before the outage may run on for a moment.
_SETTLING = 0.5
_BACK_WITHIN = 20.0
_NAME = "outage"


async def prove(stage: Stage, say: Say) -> Evidence:
    say("calling a tool under load")
    async with load(stage, "mark", _NAME) as calls:
        await calls.until(_BEFORE)
        say("stopping the database")
        refused = await _outage(stage, calls)
        say("the database is back")
        seconds = await _until_one_runs(calls)
        await calls.until(calls.calls + _AFTER)
    executions, without = _executions(stage)
    stopped = "PostgreSQL was stopped" if stage.cluster else "The database was locked"
    return Evidence(
        f"{stopped} for {_OUTAGE:g} s under load: {refused:,} calls were refused and no tool ran; within"
        f" {math.ceil(seconds)} s of its return calls ran again. In all, {without} of {executions:,} executions,"
        " counted by marks that the tool leaves outside the database, were without a committed record.",
        "" if stage.cluster else "a database server that is stopped; SQLite has none.",
    )


async def _outage(stage: Stage, calls: Load) -> int:
    """Make the database unusable for a while; returns how many calls were refused meanwhile.

    Raises:
        Broken: a tool ran meanwhile, or no call was made.
    """
    async with _stopped(stage.cluster) if stage.cluster else _locked(stage.database_url):
        refused_before = calls.refused.total()
        await asyncio.sleep(_SETTLING)
        ran_before = stage.marked(_NAME).total()
        await asyncio.sleep(_OUTAGE - _SETTLING)
        ran, refused = stage.marked(_NAME).total() - ran_before, calls.refused.total() - refused_before
    if ran or not refused:
        raise Broken(f"without its database the site ran {ran} calls and refused {refused}")
    return refused


async def _until_one_runs(calls: Load) -> float:
    """Seconds until a call runs again."""
    started, ran = time.monotonic(), calls.ran
    while calls.ran == ran:
        if time.monotonic() - started > _BACK_WITHIN:
            raise Broken(f"{_BACK_WITHIN:g} s after the return of the database all calls are still refused")
        await asyncio.sleep(0.02)
    return time.monotonic() - started


@asynccontextmanager
async def _stopped(cluster: Cluster) -> AsyncIterator[None]:
    await asyncio.to_thread(cluster.stop)
    yield
    await asyncio.to_thread(cluster.start)


@asynccontextmanager
async def _locked(database_url: str) -> AsyncIterator[None]:
    with connect(database_url) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.rollback()


def _executions(stage: Stage) -> tuple[int, int]:
    """How many executions there were, and how many of them without a record.

    Raises:
        Broken: there were some, or a call ran twice.
    """
    ran = stage.marked(_NAME)
    allowed = "SELECT arguments FROM authz_app_callrecord WHERE tool = 'mark' AND decision = 'allowed'"
    recorded = Counter(json.loads(arguments).get("text") for (arguments,) in stage.rows(allowed))
    without = ran - recorded
    if without or max(ran.values()) > 1:
        raise Broken(f"{without.total()} of {ran.total()} executions have no record of their own")
    return ran.total(), without.total()
