"""The handshake era at `/mcp` by hand: sessions, their owners and ends, and what is refused.

Covers: tools_app.transports.session_messages, tools_app.transports.streamable.app,
    tools_app.transports.streamable.get_stream,
    tools_app.transports.streamable.sessions, tools_app.streams.listeners
"""

import asyncio
from typing import Any

import httpx2
import pytest

from tests.databases import execute, outcome_of, rows
from tests.eventually import eventually
from tests.raw_mcp import ACCEPT, RawMcp, messages_in, raw_mcp
from tests.raw_sse import INITIALIZE, call, nearly_expired, request
from tests.round_robin import AnySite
from tests.site import Site
from tests.tools_app.transports.conftest import ONE, TWO

WAIT = 60.0
PING = request("ping")
EVERYWHERE = pytest.mark.parametrize("site", [ONE, TWO], indirect=True)


def database(site: AnySite) -> str:
    return site.environment["SITE_DATABASE_URL"]


def set_status(site: AnySite, subject: str, status: str) -> None:
    execute(database(site), "UPDATE authz_app_client SET status = ? WHERE subject = ?", [status, subject])


def reasons(site: AnySite, subject: str) -> list[Any]:
    query = "SELECT kind, reason FROM authz_app_callrecord WHERE subject = ? ORDER BY at, id"
    return rows(database(site), query, [subject])


async def nothing_ran(site: AnySite, subject: str, calls: int) -> None:
    """So many calls were refused, for another reason than the policy's, and recorded."""
    query = "SELECT outcome FROM authz_app_callrecord WHERE subject = ?"
    await eventually(lambda: rows(database(site), query, [subject]), equals=[("not_run",)] * calls)


def refusal(response: httpx2.Response) -> str:
    """The word for why a request was refused."""
    return str(response.json()["error"]["data"]["error"])


# Answers


@EVERYWHERE
async def test_a_call_is_answered_as_json_and_recorded_with_its_session_and_client_software(site: AnySite) -> None:
    async with raw_mcp(site, "recorded") as session:
        response = await session.send(body=call("echo", 7, text="hello"))
        assert response.headers["content-type"] == "application/json"
        assert response.headers["cache-control"] == "no-store"
        assert response.json()["result"]["content"][0]["text"] == "hello"
    query = (
        "SELECT transport, protocol_version, client_software, LENGTH(mcp_session), outcome, undelivered"
        " FROM authz_app_callrecord WHERE subject = 'recorded'"
    )
    await outcome_of(database(site), "recorded", "ok")
    assert rows(database(site), query) == [("streamable", "2025-11-25", "by hand 1", 32, "ok", 0)]


async def test_a_call_that_says_something_first_is_answered_on_a_stream(site: Site) -> None:
    params = {"name": "count_up", "arguments": {"to": 2}, "_meta": {"progressToken": "t"}}
    async with raw_mcp(site) as session:
        response = await session.send(body=request("tools/call", params, 7))
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["x-accel-buffering"] == "no"
    assert [message.get("method") for message in messages_in(response)] == [
        "notifications/progress", "notifications/message", "notifications/progress", "notifications/message", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html, APPLICATION/JSON;q=0.5", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("text/*", "text/event-stream"),
        (ACCEPT, "application/json"),
    ],
)
async def test_a_client_is_answered_in_a_way_that_it_takes(site: Site, accept: str | None, kind: str) -> None:
    async with raw_mcp(site) as session:
        response = await session.send(body=call("echo", text="x"), headers={"Accept": accept})
        assert (response.status_code, response.headers["content-type"]) == (200, kind)
        assert messages_in(response)[-1]["result"]["content"][0]["text"] == "x"


async def test_a_client_that_takes_json_alone_misses_only_what_comes_before_the_answer(site: Site) -> None:
    only_json: dict[str, str | None] = {"Accept": "application/json"}
    async with raw_mcp(site, capabilities={"elicitation": {}}) as session:
        counted = await session.send(body=call("count_up", to=3), headers=only_json)
        assert counted.json()["result"]["content"][0]["text"] == "counted to 3"
        asked = await session.send(body=call("greet"), headers=only_json)
        assert "cannot be asked" in asked.json()["result"]["content"][0]["text"]


async def test_a_client_that_takes_neither_is_refused_before_anything_runs(site: Site) -> None:
    async with raw_mcp(site, "picky") as session:
        for accept in ("text/html", "application/xml, image/*"):
            response = await session.send(body=call("echo", text="x"), headers={"Accept": accept})
            assert (response.status_code, refusal(response)) == (406, "not_acceptable")
        assert (await session.send("GET", headers={"Accept": "application/json"})).status_code == 406
    await nothing_ran(site, "picky", 2)


async def test_a_request_that_takes_its_time_gets_a_stream_with_comments(site: Site) -> None:
    async with raw_mcp(site) as session, session.sent(body=call("nap", 7, seconds=6)) as messages:
        assert await messages.comment() == ": ping"
        assert messages.response.headers["content-type"] == "text/event-stream"
        assert (await messages.next())["result"]["content"][0]["text"] == "rested"
        await messages.ended()


@EVERYWHERE
async def test_a_call_whose_client_leaves_goes_on_and_its_record_says_that_nobody_heard(site: AnySite) -> None:
    async with raw_mcp(site, "leaver") as session:
        async with session.sent(body=call("count_up", to=1, pause=1.5)) as messages:
            assert (await messages.next())["method"] == "notifications/message"
        await outcome_of(database(site), "leaver", "ok")
        query = "SELECT undelivered FROM authz_app_callrecord WHERE subject = 'leaver'"
        await eventually(lambda: rows(database(site), query), equals=[(1,)])
        assert (await session.request("ping"))["result"] == {}


async def test_a_question_that_cannot_arrive_any_more_is_not_waited_for(site: Site) -> None:
    async with raw_mcp(site, "gone", {"elicitation": {}}) as session:
        async with session.sent(body=call("greet_late", seconds=1.0)) as messages:
            await messages.next()
        await outcome_of(database(site), "gone", "tool_error")


async def test_a_client_that_shows_no_forms_is_asked_nothing(site: Site) -> None:
    async with raw_mcp(site, "formless", {"elicitation": {"url": {}}}) as session:
        result = (await session.call("greet"))["result"]
        assert result["isError"] and "cannot be asked" in result["content"][0]["text"]


# Whose a session is


@EVERYWHERE
async def test_a_session_of_another_principal_and_one_that_never_was_get_the_same_answer(site: AnySite) -> None:
    async with raw_mcp(site, "victim", azp="one") as session:
        forged: dict[str, str | None] = {"Mcp-Session-Id": "0" * 32}
        for subject, claims in (("mallory", {}), ("victim", {"azp": "other"})):
            stranger: dict[str, str | None] = {**site.headers(subject, **claims)}
            tries = [("GET", None), ("DELETE", None), ("POST", PING), ("POST", call("echo", text="x"))]
            tries += [("POST", {"jsonrpc": "2.0", "id": "x|y", "result": {}})]
            tries += [("POST", {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})]
            tries += [("POST", request("initialize", INITIALIZE))]
            for method, body in tries:
                answers = [await session.send(method, body, {**stranger, **other}) for other in ({}, forged)]
                assert [answer.status_code for answer in answers] == [404, 404]
                assert answers[0].content == answers[1].content
                assert answers[0].headers.keys() == answers[1].headers.keys()
        assert (await session.request("ping"))["result"] == {}
    await nothing_ran(site, "mallory", 2)


@EVERYWHERE
async def test_another_session_s_question_and_call_are_out_of_reach(site: AnySite) -> None:
    async with (
        raw_mcp(site, "asked", {"elicitation": {}}) as asked,
        raw_mcp(site, "mallory") as other,
        asked.sent(body=call("greet", 7)) as messages,
    ):
        question = await messages.next()
        for _ in range(2):
            await other.reply(question, {"action": "accept", "content": {"name": "Eve"}})
            await other.cancel(7)
        await asked.reply(question, {"action": "accept", "content": {"name": "Ada"}})
        assert (await messages.next())["result"]["content"][0]["text"] == "Hello Ada!"


async def test_sessions_of_the_two_transports_are_not_each_other_s(site: Site) -> None:
    async with raw_mcp(site) as session:
        url = f"{site.url}/messages/?session_id={session.session_id}"
        async with httpx2.AsyncClient() as http:
            assert (await http.post(url, json=PING, headers=site.headers())).status_code == 404
            async with http.stream("GET", f"{site.url}/sse", headers=site.headers()) as stream:
                lines = stream.aiter_lines()
                while not (line := await anext(lines)).startswith("data: "):
                    pass
                foreign: dict[str, str | None] = {"Mcp-Session-Id": line.rpartition("=")[2]}
                assert (await session.send(body=PING, headers=foreign)).status_code == 404


async def test_a_request_without_a_session_or_with_two_is_refused(site: Site) -> None:
    async with raw_mcp(site) as session:
        session_id, session.session_id = session.session_id, ""
        for method, body in (("POST", PING), ("DELETE", None)):
            response = await session.send(method, body)
            assert (response.status_code, refusal(response)) == (400, "no_session_id")
        response = await session.send("GET")
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
        async with httpx2.AsyncClient() as http:
            twice = [*session.headers.items(), ("Mcp-Session-Id", session_id), ("Mcp-Session-Id", session_id)]
            assert (await http.post(f"{site.url}/mcp", json=PING, headers=twice)).status_code == 400


# When it ends


@EVERYWHERE
async def test_a_session_that_its_client_ends_is_over_everywhere(site: AnySite) -> None:
    async with raw_mcp(site, "ender") as session, session.sent("GET") as listening:
        assert await listening.comment() == ": ping"
        async with session.sent(body=call("wait", 7)) as messages:
            await outcome_of(database(site), "ender", "")
            ended = await session.send("DELETE")
            assert (ended.status_code, ended.content) == (204, b"")
            await messages.response.aread()
        assert "session was ended" in messages_in(messages.response)[-1]["error"]["message"]
        await outcome_of(database(site), "ender", "cancelled")
        await listening.ended()
        for _ in range(2):
            for method, body in (("POST", PING), ("GET", None), ("DELETE", None)):
                assert (await session.send(method, body)).status_code == 404


async def test_a_get_stream_closes_with_its_owner_s_latest_token_and_the_session_waits_for_the_next(
    site: Site,
) -> None:
    async with raw_mcp(site, "brief", exp=nearly_expired()) as session, session.sent("GET") as listening:
        session.headers |= site.headers("brief", exp=nearly_expired())
        assert await listening.comment() == ": ping"
        await listening.ended()
        later: dict[str, str | None] = {**site.headers("brief")}
        assert (await session.send(body=PING, headers=later)).status_code == 200


@EVERYWHERE
async def test_a_later_token_keeps_the_session(site: AnySite) -> None:
    almost = nearly_expired()
    async with raw_mcp(site, "renewed", exp=almost) as session, raw_mcp(site, "lapsed", exp=almost) as other:
        session.headers |= site.headers("renewed")
        assert (await session.request("ping"))["result"] == {}
        async with other.sent("GET") as listening:
            await listening.ended()
        for _ in range(2):
            assert (await session.request("ping"))["result"] == {}


@EVERYWHERE
@pytest.mark.parametrize("method", ["call", "ping", "GET", "DELETE", "reply", "notification"])
async def test_a_blocked_client_s_next_request_gets_403_and_a_record_and_its_session_is_over(
    site: AnySite, method: str
) -> None:
    subject = f"blocked-{method}-{len(getattr(site, 'workers', ()))}"
    requests: dict[str, tuple[str, Any]] = {
        "call": ("POST", call("echo", text="x")),
        "ping": ("POST", PING),
        "reply": ("POST", {"jsonrpc": "2.0", "id": "x|y", "result": {}}),
        "notification": ("POST", {"jsonrpc": "2.0", "method": "notifications/initialized"}),
    }
    async with raw_mcp(site, subject) as session:
        set_status(site, subject, "blocked")
        verb, body = requests.get(method, (method, None))
        response = await session.send(verb, body)
        assert response.status_code == 403, response.text
        assert "Your client is blocked here. Record " in response.text
        assert "www-authenticate" not in response.headers
        kind = "tool" if method == "call" else "session"
        assert reasons(site, subject) == [(kind, "client_blocked")]
        again = await session.send(body=request("initialize", INITIALIZE), headers={"Mcp-Session-Id": None})
        assert again.status_code == 403
        set_status(site, subject, "active")
        assert (await session.send(body=PING)).status_code == 404


@EVERYWHERE
async def test_a_blocked_client_s_sessions_end_although_it_asks_for_nothing(site: AnySite) -> None:
    subject = f"silent-{len(getattr(site, 'workers', ()))}"
    async with raw_mcp(site, subject) as listened, raw_mcp(site, subject) as session:
        async with listened.sent("GET") as listening:
            await listening.comment()
            set_status(site, subject, "blocked")
            await listening.ended()
        query = "SELECT COUNT(*) FROM authz_app_auditevent WHERE kind = 'session_closed' AND subject = ?"
        await eventually(lambda: rows(database(site), query, [subject]), equals=[(2,)])
        set_status(site, subject, "active")
        assert (await session.send(body=PING)).status_code == 404


@EVERYWHERE
async def test_a_client_opens_any_number_of_sessions_in_a_row_and_those_in_use_stay(site: AnySite) -> None:
    """The site lets a client have eight."""
    async with raw_mcp(site, "many") as listened, raw_mcp(site, "many") as calling, listened.sent("GET") as listening:
        await listening.comment()
        async with calling.sent(body=call("count_up", 7, to=1, pause=60)) as messages:
            await messages.next()
            for _ in range(50):
                session = RawMcp(site, site.headers("many"), calling._http)
                await session.initialize()
                assert (await session.request("ping"))["result"] == {}
            for busy in (listened, calling):
                assert (await busy.request("ping"))["result"] == {}
            await calling.cancel(7)
            await messages.ended()


async def test_a_client_whose_sessions_are_all_in_use_is_told_so(site: Site) -> None:
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        opened = [await RawMcp(site, site.headers("busy"), http).initialize() for _ in range(8)]
        running = [asyncio.create_task(session.send(body=call("wait", 7))) for session in opened]
        query = "SELECT COUNT(*) FROM authz_app_callrecord WHERE subject = 'busy'"
        await eventually(lambda: rows(database(site), query), equals=[(8,)])
        refused = await RawMcp(site, site.headers("busy"), http).send(body=request("initialize", INITIALIZE))
        assert (refused.status_code, refusal(refused)) == (429, "too_many_sessions")
        for session in opened:
            await session.cancel(7)
        await asyncio.gather(*running)


# Requests at the same time


@EVERYWHERE
async def test_requests_beyond_the_limit_and_ids_in_use_are_refused_wherever_they_land(site: AnySite) -> None:
    subject = f"greedy-{len(getattr(site, 'workers', ()))}"
    async with raw_mcp(site, subject) as session:
        running = [asyncio.create_task(session.send(body=call("wait", number))) for number in range(4)]
        query = "SELECT COUNT(*) FROM authz_app_callrecord WHERE subject = ?"
        await eventually(lambda: rows(database(site), query, [subject]), equals=[(4,)])
        for _ in range(2):
            assert "4 requests in flight" in (await session.request("ping", request_id=9))["error"]["message"]
        await session.cancel(0)
        await running[0]
        for _ in range(2):
            assert (await session.request("ping", request_id=9))["result"] == {}
            repeated = await session.request("ping", request_id=1)
            assert "is being answered already" in repeated["error"]["message"]
            assert (await session.request("ping", request_id="1"))["result"] == {}
        for number in (1, 2, 3):
            await session.cancel(number)
        answers = await asyncio.gather(*running)
    assert [messages_in(answer) for answer in answers] == [[]] * 4


async def test_a_cancelled_call_of_a_client_that_takes_json_alone_is_answered_with_an_error(site: Site) -> None:
    async with raw_mcp(site, "json-canceller") as session:
        running = asyncio.create_task(session.send(body=call("wait", 7), headers={"Accept": "application/json"}))
        await outcome_of(database(site), "json-canceller", "")
        await session.cancel(7)
        assert (await running).json()["error"]["message"] == "The request was cancelled."


# What is refused


async def test_a_batch_is_refused_with_a_reason(site: Site) -> None:
    async with raw_mcp(site) as session:
        response = await session.send(body=[PING], headers={"MCP-Protocol-Version": "2025-03-26"})
        assert response.status_code == 400
        assert "batches are not accepted" in response.json()["error"]["message"]


@pytest.mark.parametrize("version", [None, "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_version_of_the_era_is_served(site: Site, version: str | None) -> None:
    async with raw_mcp(site) as session:
        response = await session.send(body=PING, headers={"MCP-Protocol-Version": version})
        assert (response.status_code, response.json()["result"]) == (200, {})


@pytest.mark.parametrize("version", ["2099-01-01", "", "x" * 5_000, "1.0", "\xff"])
async def test_another_version_is_refused(site: Site, version: str) -> None:
    async with raw_mcp(site) as session:
        for method, body in (("POST", PING), ("GET", None), ("DELETE", None)):
            response = await session.send(method, body, headers={"MCP-Protocol-Version": version})
            assert response.status_code == 400, response.text
        assert (await session.request("ping"))["result"] == {}


@pytest.mark.parametrize(
    "session_id",
    ["", "x", "0" * 32, "0" * 5_000, "../../etc/passwd", "\xff\xfe", "'; DROP TABLE sessions; --", "*"],
)
async def test_a_session_id_that_was_never_given_is_unknown(site: Site, session_id: str) -> None:
    async with raw_mcp(site) as session:
        for method, body in (("POST", PING), ("GET", None), ("DELETE", None), ("POST", call("echo", text="x"))):
            response = await session.send(method, body, headers={"Mcp-Session-Id": session_id})
            assert response.status_code in (400, 404), response.text


async def test_other_methods_are_not_allowed(site: Site) -> None:
    async with raw_mcp(site) as session:
        for method in ("PUT", "PATCH", "HEAD"):
            response = await session.send(method)
            assert (response.status_code, response.headers["allow"]) == (405, "GET, POST, DELETE")


@pytest.mark.parametrize(
    "params",
    [None, {}, {"protocolVersion": 1}, {**INITIALIZE, "clientInfo": None}, {**INITIALIZE, "capabilities": []}],
)
async def test_an_initialize_that_makes_no_sense_opens_no_session(site: Site, params: Any) -> None:
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        response = await RawMcp(site, site.headers(), http).send(body=request("initialize", params))
    assert (response.status_code, "error" in response.json()) == (200, True)
    assert "mcp-session-id" not in response.headers


async def test_a_second_initialize_in_a_session_is_an_error(site: Site) -> None:
    async with raw_mcp(site) as session:
        answer = await session.request("initialize", INITIALIZE)
        assert "initialized already" in answer["error"]["message"]
