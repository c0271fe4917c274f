"""Promise 6: secrets stay secret. Everything that was used to test the other five is hunted for, and some more."""

import asyncio
import secrets
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

import httpx2
import redis

from tests.databases import connect
from tests.prove.administrator import Administrator
from tests.prove.evidence import Broken, Evidence, Say
from tests.prove.session import Session, session
from tests.prove.stage import Stage

_PAGES = ("", "authz_app/client/", "authz_app/rule/", "authz_app/callrecord/", "tools_app/tool/")
_CRASH = "hunter2-in-a-crash"
_REDIS = "keys in Redis"


async def prove(stage: Stage, say: Say) -> Evidence:
    canary = f"canary{secrets.token_hex(8)}"
    async with session(stage, stage.first, stage.token(canary)) as opened:
        say("planting secrets where they do not belong")
        await _misplace(stage, canary)
        await _plant(opened, canary)
        # Outcomes are written a moment after their calls.
        await asyncio.sleep(1)
        say("hunting for them in logs, records, errors and pages")
        searched = await _searched(stage)
    await asyncio.to_thread(_hunt, stage, searched, canary)
    places = ", ".join(f"{len(texts):,} {place}" for place, texts in searched.items())
    return Evidence(
        f"Hunted {stage.plants} through {places}: 0 found. A word that is no secret was sent beside them, and was found"
        " in the logs, the database, the errors and the pages, so the hunt looks in the right places."
    )


async def _misplace(stage: Stage, canary: str) -> None:
    """Send secrets in HTTP requests where the site does not take them."""
    secret = stage.plants.make("a client secret")
    basic = b64encode(f"agent:{secret}".encode()).decode()
    requests = [
        httpx2.Request("GET", f"{stage.first.url}/sse?access_token={stage.token(canary)}"),
        httpx2.Request("GET", f"{stage.first.url}/sse", headers={"Authorization": f"Basic {basic}"}),
    ]
    for request in requests:
        stage.hear((await stage.http.send(request)).text)


async def _plant(opened: Session, canary: str) -> None:
    """Call tools with secrets in their arguments and their failures, and beside each a word that is none."""
    plants = opened.stage.plants
    password, secret = plants.make("a password in arguments"), plants.only("a client secret")
    plants.note("a password in a crash", _CRASH)
    for site in opened.stage.workers:
        await opened.call("echo", site, text=f"{canary} password={password}")
        await opened.call("echo", site, text=f"Authorization: Bearer {opened.token}", client_secret=secret)
        await opened.call(canary, site, api_key=secret, nested=[{"password": password}], url=opened.endpoint)
        await opened.call("crash", site)
        # What this tool says of itself to its caller is its own affair; what is recorded of it is not.
        await opened.ask("tools/call", {"name": "fail", "arguments": {"text": f"Not with {opened.token}"}}, site)
        await opened.call("weather_tool", site, location="Bengaluru")


async def _searched(stage: Stage) -> Mapping[str, Sequence[str]]:
    """Everything in which a secret could stand, by what it is called."""
    searched = {
        "log lines": [line for site in stage.workers for line in site.lines],
        "database rows": list(_rows(stage)),
        "error messages": list(stage.heard),
        "admin pages": [page async for page in _pages(stage)],
    }
    return searched | ({_REDIS: list(_in_redis(stage.redis_url))} if stage.redis_url else {})


def _rows(stage: Stage) -> Iterator[str]:
    """Every row of every table, as text."""
    with connect(stage.database_url) as connection:
        if stage.vendor == "sqlite":
            yield from (line for line in connection.iterdump() if line.startswith("INSERT"))
            return
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            yield from (row for (row,) in connection.execute(f'SELECT t::text FROM "{table}" t'))


async def _pages(stage: Stage) -> AsyncIterator[str]:
    """The admin's lists, and the pages of the latest records."""
    administrator = await Administrator(stage).sign_in()
    records = stage.rows("SELECT id FROM authz_app_callrecord ORDER BY id DESC LIMIT 20")
    for path in (*_PAGES, *(f"authz_app/callrecord/{record}/change/" for (record,) in records)):
        yield await administrator.page(f"/admin/{path}")


def _in_redis(url: str) -> Iterator[str]:
    """Every key and value. Sessions may have ended by now; those that are open must be there under a hash alone."""
    server = redis.Redis.from_url(url)
    for key in server.scan_iter():
        kind = server.type(key)
        value = (
            server.hgetall(key)
            if kind == b"hash"
            else server.zrange(key, 0, -1)
            if kind == b"zset"
            else server.get(key)
        )
        yield f"{key!r} {value!r}"
    server.close()


def _hunt(stage: Stage, searched: Mapping[str, Sequence[str]], canary: str) -> None:
    """Look for every secret in every place.

    Raises:
        Broken: one was found; or the canary was not, where it must be.
    """
    for place, texts in searched.items():
        for text in texts:
            if kind := stage.plants.kind_in(text):
                raise Broken(f"{kind} in the {place}, here: {stage.plants.without(text)}")
        if place != _REDIS and not any(canary in text for text in texts):
            raise Broken(f"the hunt cannot see the {place}: what may stand there was not found either")
