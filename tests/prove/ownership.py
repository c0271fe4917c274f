"""Promise 5: a session belongs to the issuer, subject and OAuth client ID that opened it; and dies with its worker."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.databases import execute, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import ABSENT
from tests.prove import killed_worker
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.session import Session, session
from tests.prove.stage import SESSION_GRACE, Stage
from tests.raw_sse import call

# What `exp` must lie in the past by, so that a token is within the leeway of 30 s for three seconds more.
_ALMOST_EXPIRED = 26
_NO_SESSION = "0" * 32
_LIST_CHANGED = "notifications/prompts/list_changed"


async def prove(stage: Stage, say: Say) -> Evidence:
    say("posting to another's session")
    posts, strangers = await _strangers(stage)
    say("letting a token expire, and blocking a client")
    expired, blocked = await asyncio.gather(_silent_by_expiry(stage), _ended_by_block(stage))
    say("killing a worker, and waiting for the deadlines of its calls")
    killed = await killed_worker.prove(stage)
    return Evidence(
        f"{posts} of {posts} posts to another's session by {strangers} other principals got 404, in the words for a"
        f" session that never was. With its token a stream fell silent: a change of its lists was told once,"
        f" {expired.told:.1f} s after its owner presented the next token, and the answer to a call that began before"
        f" came all the same. {expired.ended:.1f} s after its last token the session ended (SESSION_GRACE_SECONDS is"
        f" {SESSION_GRACE}), another {blocked:.1f} s after its client was blocked. {killed.seen}",
        killed.not_shown,
    )


async def _strangers(stage: Stage) -> tuple[int, int]:
    """Post to a session as each of several other principals, to each worker; returns how often, and how many."""
    strangers = [
        stage.token("mallory", azp="app-1"),
        stage.token("Victim", azp="app-1"),
        stage.token("victim", azp="app-2"),
        stage.token("victim", azp=ABSENT),
        stage.token("victim", azp="app-1", issuer=stage.other_issuer),
    ]
    async with session(stage, stage.first, stage.token("victim", azp="app-1")) as opened:
        answers = [await _post(opened, token, site.url) for token in strangers for site in stage.workers]
        still_there = await opened.call("mark", stage.other, text="ownership-owner")
    for (status, body), (_, body_of_none) in answers:
        if status != 404 or body != body_of_none:
            raise Broken(f"a stranger was answered {status} {body!r}; for no session at all: {body_of_none!r}")
    ran = stage.marked("ownership-")
    if still_there.refused or set(ran) != {"ownership-owner"}:
        raise Broken(f"these ran: {sorted(ran)}; the owner was told {still_there.text!r}")
    return len(answers), len(strangers)


async def _post(opened: Session, token: str, url: str) -> tuple[tuple[int, str], tuple[int, str]]:
    """What a stranger is told of this session, and of one that never was."""
    answers = []
    for session_id in (opened.endpoint.rpartition("=")[2], _NO_SESSION):
        response = await opened.stage.http.post(
            f"{url}/messages/?session_id={session_id}",
            json=call("mark", text="ownership-stranger"),
            headers={"Authorization": f"Bearer {token}"},
        )
        answers.append((response.status_code, opened.stage.hear(response.text)))
    return answers[0], answers[1]


@dataclass(frozen=True, slots=True)
class _Silence:
    """Seconds from the next valid token until the change was told, and from the expiry of the last to the end."""

    told: float
    ended: float


async def _silent_by_expiry(stage: Stage) -> _Silence:
    """Let a session's token expire, change its lists, present the next token, and none after that."""
    brief = stage.token("brief", exp=int(time.time()) - _ALMOST_EXPIRED)
    async with (
        session(stage, stage.first, brief) as opened,
        session(stage, stage.first, stage.token("awake")) as other,
    ):
        waiting = await opened.start_call("wait")
        await _until(lambda: _is_refused(opened), "an expired token was accepted for 15 s")
        before = len(opened.notified)
        rule_for_everybody(stage.database_url, "poem", kind="prompt")
        await _until(lambda: _is_told(other), "a change of its lists was not told to a session for 15 s")
        answer = opened.read_answer(await asyncio.wait_for(waiting, 15))
        if opened.notified[before:] or "took longer than" not in answer.text:
            raise Broken(f"a silent session was told {opened.notified[before:]}, and of its call: {answer.text!r}")
        expires = int(time.time()) - _ALMOST_EXPIRED
        began = time.monotonic()
        await opened.call("echo", stage.other, stage.token("brief", exp=expires), text="back")
        await _until(lambda: _is_told(opened), "a session that speaks again was not told for 15 s what has changed")
        told = time.monotonic() - began
        await _end_of(opened, "the last token of a session had expired, and so had its grace")
        if opened.notified[before:] != [_LIST_CHANGED]:
            raise Broken(f"a session that spoke again was told {opened.notified[before:]}")
        return _Silence(told, time.time() - expires - 30)


async def _is_refused(opened: Session) -> bool:
    return (await opened.post({"jsonrpc": "2.0", "method": "notifications/initialized"})).status_code == 401


async def _is_told(opened: Session) -> bool:
    return _LIST_CHANGED in opened.notified


async def _until(holds: Callable[[], Awaitable[bool]], why: str) -> None:
    try:
        await eventually(holds, within=15)
    except AssertionError:
        raise Broken(why) from None


async def _ended_by_block(stage: Stage) -> float:
    """Seconds from the commit that blocks a client to the end of its session."""
    async with session(stage, stage.first, stage.token("blocked")) as opened:
        await opened.call("echo", text="known from here on")
        execute(stage.database_url, "UPDATE authz_app_client SET status = 'blocked' WHERE subject = 'blocked'")
        started = time.monotonic()
        await _end_of(opened, "a client was blocked")
        return time.monotonic() - started


async def _end_of(opened: Session, why: str) -> None:
    try:
        await asyncio.wait_for(opened.ended.wait(), 15)
    except TimeoutError:
        raise Broken(f"{why}, and 15 s later the stream was still open") from None
