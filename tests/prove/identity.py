"""Promise 1: every request proves who it is."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping

from tests.forgeries import FORGERIES
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.session import Session, bearer, session
from tests.prove.stage import SCOPE, SCOPED_TOOL, Stage
from tests.raw_sse import call
from tests.site import Site

# What `exp` must lie in the past by, so that a token is within the leeway of 30 s for three seconds more.
_ALMOST_EXPIRED = 26
_AT_A_TIME = 8


async def prove(stage: Stage, say: Say) -> Evidence:
    forged = _forged(stage)
    async with session(stage, stage.first, stage.token("alice")) as opened:
        say(f"trying {len(forged)} forged tokens on {len(stage.workers)} worker(s)")
        refused = await _refused(stage, opened, forged)
        answer = await opened.call("mark", stage.other, text="identity-good")
    ran = stage.marked("identity-")
    if answer.refused or ran != Counter(["identity-good"]):
        raise Broken(f"of the forged and the good tokens these ran a tool: {sorted(ran)}; the owner was told {answer}")
    say("letting a token expire in mid-session")
    await _check_scopes(stage)
    await _check_expiry(stage)
    return Evidence(
        f"{refused} of {refused} requests with {len(forged)} forged, expired and foreign tokens got 401, to open a"
        f" session and inside one of their subject's; 0 reached a tool. In mid-session, a token that had expired got"
        " 401 and a token without the scope was refused, while the session went on with good ones."
    )


def _forged(stage: Stage) -> Mapping[str, str]:
    made = {name: make(stage.issuer, stage.first.audience) for name, make in FORGERIES.items()}
    for token in made.values():
        if token.startswith("eyJ"):
            stage.plants.note("access tokens", token)
    return made


async def _refused(stage: Stage, opened: Session, forged: Mapping[str, str]) -> int:
    """Try each token in each way on each worker; returns how often."""
    turn = asyncio.Semaphore(_AT_A_TIME)

    async def status(name: str, token: str, site: Site, inside: bool) -> tuple[str, int]:
        async with turn:
            if inside:
                return name, (await opened.post(call("mark", name, text=f"identity-{name}"), site, token)).status_code
            async with stage.http.stream("GET", f"{site.url}/sse", headers=bearer(token)) as response:
                return name, response.status_code

    ways = [(site, inside) for site in stage.workers for inside in (False, True)]
    tries = [status(name, token, *way) for name, token in forged.items() for way in ways]
    statuses = await asyncio.gather(*tries)
    wrong = sorted({f"{name}: {code}" for name, code in statuses if code != 401})
    if wrong:
        raise Broken(f"tokens that were not refused with 401: {', '.join(wrong)}")
    return len(statuses)


async def _check_scopes(stage: Stage) -> None:
    """A session that was opened with a token scope does not lend it to another token of its owner."""
    with_scope, without = (stage.token("alice", scope=scope) for scope in (SCOPE, "read"))
    async with session(stage, stage.first, with_scope) as opened:
        lent = await opened.call(SCOPED_TOOL, stage.other, without)
        own = await opened.call(SCOPED_TOOL, stage.other)
    if own.refused or not lent.refused:
        raise Broken(f"with the scope: {own.text}; without it, in the same session: {lent.text}")


async def _check_expiry(stage: Stage) -> None:
    """A token that was good when it opened a session is refused when it has expired; the session goes on."""
    short, long = stage.token("alice", exp=int(time.time()) - _ALMOST_EXPIRED), stage.token("alice")
    async with session(stage, stage.first, short) as opened:
        await opened.call("echo", stage.other, long, text="the session lasts as long as this token")
        codes = await _codes_until_refused(opened, short)
        answer = await opened.call("echo", stage.other, long, text="still here")
    if codes[-1] != 401 or answer.text != "still here":
        raise Broken(f"an expired token was answered {codes[-1]}, a good one in the same session {answer.text!r}")


async def _codes_until_refused(opened: Session, token: str) -> list[int]:
    codes = [202]
    until = time.monotonic() + 10
    while codes[-1] == 202 and time.monotonic() < until:
        await asyncio.sleep(0.3)
        codes.append(
            (await opened.post(call("echo", f"ping-{len(codes)}", text=""), opened.stage.other, token)).status_code
        )
    return codes
