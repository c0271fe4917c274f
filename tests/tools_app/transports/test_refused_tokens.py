"""Refused tokens stand in the events: over sockets, by cause, and bounded."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx2

from tests.databases import rows
from tests.site import Site

WAIT = 60.0


async def test_refused_tokens_are_told_by_cause_and_without_the_tokens(
    fresh_database: str, start_site: Callable[..., Site]
) -> None:
    site = start_site(fresh_database)
    expired = site.token("alice", exp=int(time.time()) - 100)
    forged = site.token("mallory")[:-8] + "AAAAAAAA"
    async with httpx2.AsyncClient(timeout=WAIT, base_url=site.url) as http:
        host = {"Host": site.public_url.removeprefix("http://")}
        for token in [expired, expired, forged, "opaque"]:
            answer = await http.post("/mcp", headers={**host, "Authorization": f"Bearer {token}"}, json={})
            assert answer.status_code == 401
        assert (await http.post("/mcp", headers=host, json={})).status_code == 401
        assert (await http.post("/mcp", headers={"Host": "evil.example"}, json={})).status_code == 421
    site.stop()
    found = events(site)
    causes = {details["cause"]: (kind, count, subject) for kind, count, subject, _, details in found}
    assert causes["Expired"] == ("tokens_refused", 2, "alice")
    assert causes["BadSignature"] == ("tokens_refused", 1, "")
    assert causes["OpaqueToken"] == ("tokens_refused", 1, "")
    assert causes["wrong_host"] == ("requests_refused", 1, "")
    assert len(causes) == 4
    assert all(details["addresses"] == ["127.0.0.1"] for *_, details in found)
    assert not any("eyJ" in raw or "mallory" in raw for *_, raw, _ in found)


async def test_a_flood_of_bad_tokens_makes_a_handful_of_events(
    fresh_sqlite: str, start_site: Callable[..., Site]
) -> None:
    site = start_site(fresh_sqlite)
    host = site.public_url.removeprefix("http://")

    async def flood(http: httpx2.AsyncClient, start: int) -> None:
        for number in range(start, start + 200):
            headers = {"Host": host, "Authorization": f"Bearer a.{number}.c"}
            assert (await http.post("/mcp", headers=headers, json={})).status_code == 401

    async with httpx2.AsyncClient(timeout=WAIT, base_url=site.url) as http:
        await asyncio.gather(*(flood(http, start) for start in range(0, 2_000, 200)))
    site.stop()
    found = events(site)
    assert sum(count for _, count, *_ in found) == 2_000
    assert len(found) <= 10
    site.assert_no_traceback()


def events(site: Site) -> list[tuple[str, int, str, str, Any]]:
    kinds = "('tokens_refused', 'requests_refused')"
    query = f"SELECT kind, count, subject, details FROM authz_app_auditevent WHERE kind IN {kinds} ORDER BY id"
    return [(*row, json.loads(row[-1])) for row in rows(site.database_url, query)]
