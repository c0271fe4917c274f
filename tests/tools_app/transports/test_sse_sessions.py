"""MCP sessions over HTTP+SSE: to whom they belong, what a change of the policy does to them, and when they end.

Covers: tools_app.transports.sse, tools_app.transports.streaming
"""

import asyncio
from itertools import count

import httpx2

from tests.databases import execute, outcome_of, rows
from tests.eventually import eventually
from tests.raw_sse import RawSession, call, nearly_expired, raw_session
from tests.site import Site
from tools_app.sessions.session import session_key

WAIT = 60.0


def database(site: Site) -> str:
    return site.environment["SITE_DATABASE_URL"]


def set_status(site: Site, subject: str, status: str) -> None:
    execute(database(site), "UPDATE authz_app_client SET status = ? WHERE subject = ?", [status, subject])


async def test_a_blocked_client_is_refused_in_its_open_session_and_the_session_ends(site: Site) -> None:
    async with raw_session(site, "soon-blocked") as session:
        assert "result" in await session.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 1)
        set_status(site, "soon-blocked", "blocked")
        refused = await session.request("tools/call", {"name": "echo", "arguments": {"text": "y"}}, 2)
        assert refused["error"]["message"].startswith("Your client is blocked here. Record ")
        await session.ended()
    records = rows(database(site), "SELECT reason FROM authz_app_callrecord WHERE subject = 'soon-blocked' ORDER BY at")
    assert records == [("allowed",), ("client_blocked",)]


async def test_a_blocked_client_gets_403_and_a_record_when_it_connects(site: Site) -> None:
    async with raw_session(site, "blocked"):
        pass
    set_status(site, "blocked", "blocked")
    async with asyncio.timeout(WAIT):
        response = httpx2.get(f"{site.url}/sse", headers=site.headers("blocked"))
    assert response.status_code == 403
    assert response.json()["error"] == "client_blocked"
    assert "www-authenticate" not in response.headers
    kinds = rows(database(site), "SELECT kind, decision, reason FROM authz_app_callrecord WHERE subject = 'blocked'")
    assert kinds == [("session", "denied", "client_blocked")]


async def test_a_blocked_client_s_call_outside_a_session_is_recorded(site: Site) -> None:
    async with raw_session(site, "late") as session:
        endpoint = session.endpoint
    set_status(site, "late", "blocked")
    async with asyncio.timeout(WAIT), httpx2.AsyncClient() as http:
        response = await http.post(site.url + endpoint, headers=site.headers("late"), json=call("echo", text="x"))
    assert response.status_code == 403
    records = rows(database(site), "SELECT tool, reason FROM authz_app_callrecord WHERE subject = 'late'")
    assert records == [("echo", "client_blocked")]


async def test_a_pending_client_may_connect_and_sees_whom_to_ask(site: Site) -> None:
    async with raw_session(site, "pending"):
        pass
    set_status(site, "pending", "pending")
    async with asyncio.timeout(WAIT), site.client("pending") as client:
        assert (await client.list_tools()).tools == []
        assert "No tool is available to you yet; ask ops@example.com." in str(client.instructions)


async def test_only_the_session_whose_list_changed_is_told(site: Site) -> None:
    async with raw_session(site, "told") as told, raw_session(site, "untold") as untold:
        done = site.manage(
            "add_rule", "--effect", "deny", "--issuer", site.issuer.url if site.issuer else "",
            "--subject", "told", "--tool", "echo",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        async with asyncio.timeout(WAIT):
            assert (await told.message())["method"] == "notifications/tools/list_changed"
        listed = await told.request("tools/list")
        assert "echo" not in {tool["name"] for tool in listed["result"]["tools"]}
        assert "result" in await untold.request("ping")  # the next message: nothing came before it
        refused = await told.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 5)
    assert "No tool 'echo' is available to you." in refused["error"]["message"]


def falls_silent(site: Site, session: RawSession) -> str:
    """Wait until a session has no valid token any more."""
    return site.wait_for_line(f"{session_key(session.session_id)} is silent until its owner presents a valid token")


async def test_a_session_is_silent_from_the_expiry_of_its_owner_s_latest_token_until_the_next(site: Site) -> None:
    async with raw_session(site, "warm-up"):
        pass
    async with raw_session(site, "brief", exp=nearly_expired()) as session:
        await asyncio.to_thread(falls_silent, site, session)
        session.headers = site.headers("brief")
        assert (await session.request("ping"))["result"] == {}
        await asyncio.to_thread(site.wait_for_line, f"{session_key(session.session_id)} speaks again")


async def test_a_later_token_keeps_the_session_from_falling_silent(site: Site) -> None:
    async with raw_session(site, "warm-up"):
        pass
    almost = nearly_expired()
    async with raw_session(site, "renewed", exp=almost) as session, raw_session(site, "lapsed", exp=almost) as other:
        session.headers = site.headers("renewed")
        assert (await session.request("ping"))["result"] == {}
        await asyncio.to_thread(falls_silent, site, other)
        for _ in range(2):
            assert (await session.request("ping"))["result"] == {}
    assert f"{session_key(session.session_id)} is silent" not in site.log


async def test_requests_beyond_the_limit_are_refused_and_the_others_go_on(site: Site) -> None:
    async with raw_session(site, "greedy") as session:
        for number in range(6):
            assert (await session.post(call("wait", number))).status_code == 202
        refused = [await session.message() for _ in range(2)]
        assert {message["id"] for message in refused} == {4, 5}
        assert "4 requests in flight" in refused[0]["error"]["message"]
        for number in range(4):
            await session.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
        ids = count(9)

        async def is_answered() -> bool:
            return "result" in await session.request("ping", request_id=next(ids))

        # A call whose record is just being written ends when it is written.
        await eventually(is_answered)


async def test_a_request_id_in_use_is_refused(site: Site) -> None:
    async with raw_session(site) as session:
        await session.post(call("wait", 1))
        answer = await session.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 1)
    assert "is being answered already" in answer["error"]["message"]


async def test_calls_of_a_client_that_leaves_are_cancelled(site: Site) -> None:
    async with raw_session(site, "leaver") as session:
        await session.post(call("wait", 1))
        await outcome_of(database(site), "leaver", "")
    await outcome_of(database(site), "leaver", "cancelled")
