"""Promise 5: a session belongs to the issuer, subject and OAuth client ID that opened it; and dies with its worker."""

import asyncio
import time

from tests.databases import execute
from tests.issuer import ABSENT
from tests.prove import killed_worker
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.session import Session, session
from tests.prove.stage import Stage
from tests.raw_sse import call

# What `exp` must lie in the past by, so that a token is within the leeway of 30 s for three seconds more.
_ALMOST_EXPIRED = 26
_NO_SESSION = "0" * 32


async def prove(stage: Stage, say: Say) -> Evidence:
    say("posting to another's session")
    posts, strangers = await _strangers(stage)
    say("letting a token expire, and blocking a client")
    expired, blocked = await asyncio.gather(_ended_by_expiry(stage), _ended_by_block(stage))
    say("killing a worker, and waiting for the deadlines of its calls")
    killed = await killed_worker.prove(stage)
    return Evidence(
        f"{posts} of {posts} posts to another's session by {strangers} other principals got 404, in the words for a"
        f" session that never was. A session ended {expired:.1f} s after its token, another {blocked:.1f} s after its"
        f" client was blocked. {killed.seen}",
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


async def _ended_by_expiry(stage: Stage) -> float:
    """Seconds from the end of a token's validity, leeway included, to the end of its session."""
    expires = int(time.time()) - _ALMOST_EXPIRED
    async with session(stage, stage.first, stage.token("brief", exp=expires)) as opened:
        await _end_of(opened, "the only token of a session expired")
        return max(0.0, time.time() - expires - 30)


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
