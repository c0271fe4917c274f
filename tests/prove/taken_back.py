"""Promise 4: taken back means taken back. Judged by the order in which the database committed."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.databases import connect, execute, rule_for_everybody
from tests.promises import judge
from tests.prove.administrator import Administrator
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.load import load
from tests.prove.session import session
from tests.prove.stage import RACED_TOOL, Stage

_SECONDS = 12.0
_PAUSE = 0.01
_ROUNDS = 5
_NAME = "race"


@dataclass(frozen=True, slots=True)
class Race:
    """How many changes were made, and what was then said of the calls."""

    changes: int
    allowed: int
    denied: int
    late: Sequence[str]


async def prove(stage: Stage, say: Say) -> Evidence:
    administrator = await Administrator(stage).sign_in()
    say("racing calls against changes of the rules")
    race = await _race(stage, administrator)
    if race.late:
        raise Broken(f"{len(race.late):,} times a record disagrees with the policy that was committed: {race.late[0]}")
    if not race.allowed or not race.denied:
        raise Broken(f"the race decided nothing: {race}")
    say("blocking a client with open sessions")
    checked = await _blocked(stage, administrator)
    return Evidence(
        f"{race.allowed + race.denied:,} calls ({race.allowed:,} allowed, {race.denied:,} denied) raced against"
        f" {race.changes} changes, in the admin and in SQL, on {_workers(stage)}: by the database's order of commits 0"
        f" records were decided under a policy that was no longer in force. {checked} of {checked} times, a client"
        f" blocked in the admin{_through(stage)} was refused its very next call, in an open session.",
        "" if len(stage.workers) > 1 else "that a change made through one worker counts at once on another.",
    )


def _workers(stage: Stage) -> str:
    return f"{len(stage.workers)} workers" if len(stage.workers) > 1 else "one worker"


def _through(stage: Stage) -> str:
    return " of one worker" if len(stage.workers) > 1 else ""


async def _race(stage: Stage, administrator: Administrator) -> Race:
    async with load(stage, RACED_TOOL, _NAME) as calls:
        await calls.until(50)
        question = _question(stage)
        with connect(stage.database_url) as connection:
            judge.open_book(connection.cursor(), stage.vendor, question)
        changes = await _change_for(_SECONDS, stage, administrator, question)
    return _judged(stage, question, changes)


def _question(stage: Stage) -> judge.Question:
    """The race is about one of the callers' clients: a rule for everybody decides for all of them alike."""
    ((rule,),) = stage.rows(f"SELECT id FROM authz_app_rule WHERE tools = '{RACED_TOOL}'")
    ((client,),) = stage.rows(f"SELECT id FROM authz_app_client WHERE subject = '{_NAME}-0'")
    return judge.Question(rule, client, RACED_TOOL, RACED_TOOL)


async def _change_for(seconds: float, stage: Stage, administrator: Administrator, question: judge.Question) -> int:
    """Take the right away and give it back, one way after the other; returns how many changes that were."""
    until = time.monotonic() + seconds
    for made in itertools.count(2, 2):
        change = _ways(stage, administrator, question)[made // 2 % 4]
        for allowed in (False, True):
            await change(allowed)
            await asyncio.sleep(_PAUSE)
        if time.monotonic() > until:
            break
    return made


def _ways(
    stage: Stage, administrator: Administrator, question: judge.Question
) -> Sequence[Callable[[bool], Awaitable[None]]]:
    sites = itertools.cycle(stage.workers)

    async def by_rule(allowed: bool) -> None:
        await _execute(stage, f"UPDATE authz_app_rule SET enabled = {allowed} WHERE id = {question.rule}")

    async def by_tool(allowed: bool) -> None:
        await _execute(stage, f"UPDATE tools_app_tool SET enabled = {allowed} WHERE name = '{RACED_TOOL}'")

    async def by_deny_rule(allowed: bool) -> None:
        if allowed:
            await _execute(stage, "DELETE FROM authz_app_rule WHERE effect = 'deny'")
        else:
            await asyncio.to_thread(rule_for_everybody, stage.database_url, "*", "deny")

    async def in_the_admin(allowed: bool) -> None:
        action = "switch_on" if allowed else "switch_off"
        await administrator.act(next(sites), "authz_app/rule", action, question.rule)

    return by_rule, by_tool, by_deny_rule, in_the_admin


async def _execute(stage: Stage, sql: str) -> None:
    await asyncio.to_thread(execute, stage.database_url, sql)


def _judged(stage: Stage, question: judge.Question, changes: int) -> Race:
    with connect(stage.database_url) as connection:
        cursor = connection.cursor()
        if not judge.has_commit_order(cursor, stage.vendor):
            raise Broken("the database does not tell the order of commits")
        late = judge.violations(cursor, stage.vendor, question)
        judge.close_book(cursor, stage.vendor)
    counted = dict(
        stage.rows(f"SELECT decision, count(*) FROM authz_app_callrecord WHERE tool = '{RACED_TOOL}' GROUP BY decision")
    )
    return Race(changes, counted.get("allowed", 0), counted.get("denied", 0), late)


async def _blocked(stage: Stage, administrator: Administrator) -> int:
    """Block a client through one worker and call through each; returns how many calls were refused, which is all."""
    refused = 0
    for turn in range(_ROUNDS):
        subject = f"blocked-{turn}"
        through = stage.workers[turn % len(stage.workers)]
        async with session(stage, stage.first, stage.token(subject)) as opened:
            before = [await opened.call("echo", site, text="x") for site in stage.workers]
            ((client,),) = stage.rows(f"SELECT id FROM authz_app_client WHERE subject = '{subject}'")
            await administrator.act(through, "authz_app/client", "block", client)
            after = [await opened.call("echo", site, text="x") for site in reversed(stage.workers)]
        if any(answer.refused for answer in before) or not all(answer.refused for answer in after):
            raise Broken(f"before the client was blocked: {before}; after: {after}")
        refused += len(after)
    return refused
