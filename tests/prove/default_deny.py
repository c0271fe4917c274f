"""Promise 2: nothing is allowed unless a rule allows it."""

import asyncio
import re

from tests.databases import execute, rule_for_everybody
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.session import Answer, Session, session
from tests.prove.stage import Stage

_UNRULED, _UNKNOWN = "whoami", "no_such_tool"


async def prove(stage: Stage, say: Say) -> Evidence:
    async with session(stage, stage.first, stage.token("bob")) as opened:
        say("calling every tool that there is")
        listed, ran, refused = await _every_tool(opened)
        reasons = await _same_words(opened)
        say("adding a deny rule, and a rule that cannot be read")
        denied = await _denied_by(opened, "deny")
        unreadable = await _denied_by(opened, "perhaps")
    if listed != ran:
        raise Broken(f"listed: {sorted(listed)}; allowed when called: {sorted(ran)}")
    return Evidence(
        f"Of {len(ran) + len(refused)} tools, all called, the {len(ran)} that the session lists were allowed, the"
        f" {len(refused)} others refused. A tool without a rule and one that does not exist got the same words and"
        f" two records ({' and '.join(reasons)}). A deny rule beside the allow rule denied ({denied}); so did a rule"
        f" that nobody can read ({unreadable})."
    )


async def _listed(opened: Session) -> set[str]:
    answer = await opened.ask("tools/list", at=opened.stage.other)
    return {tool["name"] for tool in answer["result"]["tools"]}


async def _every_tool(opened: Session) -> tuple[set[str], set[str], set[str]]:
    """The tools that are listed, those that an empty call gets to, and those that it does not."""
    stage = opened.stage
    names = [name for (name,) in stage.rows("SELECT name FROM tools_app_tool ORDER BY name")]
    answers = await asyncio.gather(
        *(opened.call(name, stage.workers[turn % len(stage.workers)]) for turn, name in enumerate(names))
    )
    refused = {name for name, answer in zip(names, answers, strict=True) if answer.refused}
    return await _listed(opened), set(names) - refused, refused


async def _same_words(opened: Session) -> list[str]:
    """Call a tool without a rule and one that does not exist; returns what the records say of each."""
    answers = [await opened.call(name, opened.stage.other) for name in (_UNRULED, _UNKNOWN)]
    without_names = [
        re.sub(r"[0-9a-f-]{36}", "...", answer.text).replace(name, "...")
        for name, answer in zip((_UNRULED, _UNKNOWN), answers, strict=True)
    ]
    if without_names[0] != without_names[1] or not all(answer.refused for answer in answers):
        raise Broken(f"a tool without a rule: {answers[0].text!r}; no tool at all: {answers[1].text!r}")
    reasons = [_reason(opened.stage, answer) for answer in answers]
    if reasons != ["no_rule", "unknown_tool"]:
        raise Broken(f"the records of a tool without a rule and of no tool say {reasons}")
    return reasons


def _reason(stage: Stage, answer: Answer) -> str:
    """The reason that stands in the record which a refused caller was pointed to."""
    ids = (answer.record, answer.record.replace("-", ""))
    found = stage.rows(f"SELECT decision, reason FROM authz_app_callrecord WHERE CAST(id AS text) IN {ids}")
    if [decision for decision, _ in found] != ["denied"]:
        raise Broken(f"the refusal {answer.text!r} has these records: {found}")
    return str(found[0][1])


async def _denied_by(opened: Session, effect: str) -> str:
    """Put a rule of this effect beside the one that allows ``echo``; returns why the call is then denied."""
    stage = opened.stage
    rule_for_everybody(stage.database_url, "echo", effect)
    answer = await opened.call("echo", stage.other, text="x")
    still_listed = "echo" in await _listed(opened)
    execute(stage.database_url, f"DELETE FROM authz_app_rule WHERE effect = '{effect}'")
    after = await opened.call("echo", stage.other, text="x")
    if not answer.refused or still_listed or after.refused:
        raise Broken(f"beside a rule {effect!r} the call was answered {answer.text!r}, listed: {still_listed}")
    return _reason(stage, answer)
