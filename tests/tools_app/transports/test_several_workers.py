"""Several workers of one site: any of them takes any POST, and none of them more than its own caller's."""

import asyncio
import re
import socket
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import execute, outcome_of, rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_sse import INITIALIZE, RawSession, call, raw_session, request
from tests.redis import RedisServer
from tests.site import Site, several_workers
from tests.tools_app.connected import Join
from tools_app.sessions.session import session_key

WAIT = 60.0
PING = request("ping")
PASSWORD = "a-password-of-the-tests"
EVERY = pytest.mark.parametrize("number", range(3))
Workers = list[Site]


@pytest.fixture(scope="module")
def workers(
    issuer: Issuer, redis: RedisServer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    """Three workers, so that the one that asks, the one that is told and the one that holds the stream can differ."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("workers"))
    limits = {"MAX_CALLS_IN_FLIGHT": "4", "MAX_SESSIONS_PER_CLIENT": "4", "MAX_QUEUED_BYTES": "20000000"}
    with several_workers(3, database_url, issuer, REDIS_URL=redis.url, **limits) as running:
        rule_for_everybody(database_url, "*")
        yield running
        for worker in running:
            worker.assert_no_traceback()
            assert "eyJ" not in worker.log


def workers_of(workers: Workers, subject: str) -> list[int]:
    """Which workers answered this subject's calls, in order."""
    query = "SELECT worker FROM authz_app_callrecord WHERE subject = ? ORDER BY at, id"
    names = [name for (name,) in rows(workers[0].database_url, query, [subject])]
    return [next(at for at, worker in enumerate(workers) if f"-{worker.pid}-" in name) for name in names]


def cancelled(request_id: int) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": request_id}}


async def test_each_call_is_answered_by_the_worker_it_reached_and_delivered_on_the_stream(workers: Workers) -> None:
    async with raw_session(workers[0], "wanderer") as session:
        for number, worker in enumerate([*workers, *workers]):
            params = {"name": "echo", "arguments": {"text": str(number)}}
            answer = await session.request("tools/call", params, number, to=worker)
            assert answer["result"]["content"][0]["text"] == str(number)
    assert workers_of(workers, "wanderer") == [0, 1, 2, 0, 1, 2]


@EVERY
async def test_what_a_client_says_of_itself_is_known_to_every_worker_when_it_is_answered(
    workers: Workers, number: int
) -> None:
    subject = f"initialized-{number}"
    async with RawSession(workers[0], workers[0].headers(subject)) as session:
        await session.request("initialize", INITIALIZE, 0, to=workers[number])
        for at, worker in enumerate(workers, start=1):
            assert "result" in await session.request("tools/call", {"name": "whoami", "arguments": {}}, at, to=worker)
            again = await session.request("initialize", INITIALIZE, 100 + at, to=worker)
            assert "initialized already" in again["error"]["message"]
    query = "SELECT DISTINCT client_software, protocol_version FROM authz_app_callrecord WHERE subject = ?"
    assert rows(workers[0].database_url, query, [subject]) == [("by hand 1", "2025-11-25")]


async def test_progress_and_log_messages_keep_their_order_on_the_way_from_another_worker(workers: Workers) -> None:
    params = {"name": "count_up", "arguments": {"to": 200}, "_meta": {"progressToken": "t"}}
    async with raw_session(workers[0], "counter") as session:
        assert (await session.post(request("tools/call", params, 7), to=workers[1])).status_code == 202
        seen = [await session.message() for _ in range(401)]
    assert [m["params"]["progress"] for m in seen if m.get("method") == "notifications/progress"] == [*range(1, 201)]
    assert [m["params"]["data"] for m in seen[1:400:2]] == [f"counted {n}" for n in range(1, 201)]
    assert seen[-1]["result"]["content"][0]["text"] == "counted to 200"


async def test_a_log_level_set_through_one_worker_holds_on_the_others(workers: Workers) -> None:
    async with raw_session(workers[0], "quiet") as session:
        await session.request("logging/setLevel", {"level": "error"}, 1, to=workers[1])
        for at, worker in enumerate(workers, start=2):
            await session.post(request("tools/call", {"name": "count_up", "arguments": {"to": 3}}, at), to=worker)
            assert (await session.message())["id"] == at


@pytest.mark.parametrize("tool", ["greet", "greet_in_thread"])
@pytest.mark.parametrize("asking", range(3))
@pytest.mark.parametrize("told", range(3))
async def test_a_reply_reaches_the_worker_that_asked_through_any_worker(
    workers: Workers, tool: str, asking: int, told: int
) -> None:
    subject = f"asked-{tool}-{asking}-{told}"
    async with raw_session(workers[0], subject, {"elicitation": {}}) as session:
        await session.post(call(tool, 7), to=workers[asking])
        question = await session.message()
        assert question["method"] == "elicitation/create"
        reply = {"action": "accept", "content": {"name": "Ada"}}
        await session.post({"jsonrpc": "2.0", "id": question["id"], "result": reply}, to=workers[told])
        answer = await session.message()
    assert (answer["id"], answer["result"]["content"][0]["text"]) == (7, "Hello Ada!")
    assert workers_of(workers, subject) == [asking]


@pytest.mark.parametrize("tool", ["wait", "wait_in_thread"])
@pytest.mark.parametrize(("calling", "told"), [(0, 1), (1, 0), (1, 1), (1, 2)])
async def test_a_call_is_cancelled_through_any_worker_and_not_answered(
    workers: Workers, tool: str, calling: int, told: int
) -> None:
    subject = f"cancelling-{tool}-{calling}-{told}"
    async with raw_session(workers[0], subject) as session:
        await session.post(call(tool, 7), to=workers[calling])
        await outcome_of(workers[0].database_url, subject, "")
        await session.post(cancelled(7), to=workers[told])
        await outcome_of(workers[0].database_url, subject, "cancelled")
        await session.post(PING, to=workers[calling])
        assert (await session.message())["id"] == 1
        # Its id is free again.
        assert (await session.request("ping", request_id=7, to=workers[calling]))["result"] == {}


async def test_calls_on_other_workers_are_cancelled_when_the_client_leaves(workers: Workers) -> None:
    async with raw_session(workers[0], "leaving") as session:
        await session.post(call("wait"), to=workers[1])
        await outcome_of(workers[0].database_url, "leaving", "")
    await outcome_of(workers[0].database_url, "leaving", "cancelled")


async def test_a_session_that_has_ended_does_not_exist_on_any_worker(workers: Workers) -> None:
    async with raw_session(workers[0], "ended") as session:
        endpoint = session.endpoint
    workers[0].wait_for_line(f"MCP session {session_key(session.session_id)} closed")
    async with httpx2.AsyncClient(timeout=WAIT) as http:
        for worker in workers:
            headers = worker.headers("ended")
            assert (await http.post(worker.url + endpoint, headers=headers, json=PING)).status_code == 404


async def test_a_client_that_does_not_read_cannot_go_on_in_a_session_that_was_ended(
    workers: Workers, redis: RedisServer, join: Join
) -> None:
    prefix = f"mcp-{sha256(workers[0].public_url.encode()).hexdigest()[:8]}."
    administrator = await join(prefix=prefix, url=redis.url)
    headers = workers[0].headers("deaf")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.settimeout(WAIT)
        deaf.connect(("127.0.0.1", workers[0].port))
        lines = [f"{name}: {value}" for name, value in {"Host": "127.0.0.1", **headers}.items()]
        deaf.sendall("\r\n".join(["GET /sse HTTP/1.1", *lines, "", ""]).encode())
        endpoint = (await heard(deaf, rb"data: (\S+)\r\n")).decode()
        async with httpx2.AsyncClient(timeout=WAIT, headers=headers) as http:
            await http.post(workers[0].url + endpoint, json=request("initialize", INITIALIZE))
            await heard(deaf, rb'"(protocolVersion)"')
            for number in range(2):
                message = call("large", number, size=2_000_000)
                assert (await http.post(workers[0].url + endpoint, json=message)).status_code == 202
            query = "SELECT count(*) FROM authz_app_callrecord WHERE subject = 'deaf' AND outcome = 'ok'"
            await eventually(lambda: rows(workers[0].database_url, query), equals=[(2,)])
            key = session_key(endpoint.rpartition("=")[2])
            assert "closed" not in "".join(line for line in workers[0].lines if key in line)
            await administrator.lifetime.end(key, "an administrator ended it")
            for worker in workers[1:]:
                assert (await http.post(worker.url + endpoint, json=call("whoami", 9))).status_code == 404
            # Nor does it keep the stream open, whose worker hears of the end by a message.
            await asyncio.to_thread(workers[0].wait_for_line, f"MCP session {key} closed: an administrator ended it")
            assert (await http.post(workers[0].url + endpoint, json=call("whoami", 9))).status_code == 404


async def heard(connection: socket.socket, pattern: bytes) -> bytes:
    """Read until this is found; returns its group."""
    head = b""
    while (found := re.search(pattern, head)) is None:
        head += await asyncio.to_thread(connection.recv, 4_096)
    return found[1]


@EVERY
async def test_a_session_does_not_exist_for_another_principal_through_any_worker(workers: Workers, number: int) -> None:
    through = workers[number]
    async with raw_session(workers[0], "victim", azp="one") as session:
        none = await session.post(PING, endpoint=f"/messages/?session_id={'0' * 32}", to=through)
        for headers in (through.headers("mallory"), through.headers("victim", azp="other")):
            for message in (PING, call("echo", text="x"), cancelled(1), {"jsonrpc": "2.0", "id": "x|y", "result": {}}):
                foreign = await session.post(message, headers, to=through)
                assert (foreign.status_code, foreign.content) == (404, none.content)
        assert (await session.request("ping", to=through))["result"] == {}
    query = "SELECT DISTINCT outcome FROM authz_app_callrecord WHERE subject = 'mallory'"
    await eventually(lambda: rows(workers[0].database_url, query), equals=[("not_run",)])


@EVERY
async def test_another_session_s_question_cannot_be_answered_through_any_worker(workers: Workers, number: int) -> None:
    async with (
        raw_session(workers[0], f"asked-{number}", {"elicitation": {}}) as asked,
        raw_session(workers[1], "mallory") as other,
    ):
        await asked.post(call("greet", 7), to=workers[1])
        question = await asked.message()
        forged = {"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept", "content": {"name": "Eve"}}}
        assert (await other.post(forged, to=workers[number])).status_code == 202
        await asked.post({**forged, "result": {"action": "accept", "content": {"name": "Ada"}}}, to=workers[number])
        assert (await asked.message())["result"]["content"][0]["text"] == "Hello Ada!"


async def test_another_session_s_call_cannot_be_cancelled_through_any_worker(workers: Workers) -> None:
    async with raw_session(workers[0], "undisturbed") as session, raw_session(workers[1], "mallory") as other:
        await session.post(call("nap", 7, seconds=1.0), to=workers[1])
        for worker in workers:
            await other.post(cancelled(7), to=worker)
        assert (await session.message())["result"]["content"][0]["text"] == "rested"


FORGED = {
    "no address": "x",
    "empty": "",
    "a number": 5,
    "only a separator": "|",
    "another site's worker": "mcp-00000000.worker.x.{hex}|{hex}",
    "a channel of another use": "somebody.else|{hex}",
    "every worker": "{prefix}__group__workers|{hex}",
    "a session's key": "{prefix}session:{key}|{hex}",
    "a worker that never was": "{prefix}worker.nobody.{hex}|{hex}",
    "a long one": "{prefix}worker." + "x" * 200,
    "too long": "{prefix}worker." + "x" * 230,
    "line breaks": "{prefix}worker.x\r\nPUBLISH a b\r\n|{hex}",
    "control characters": "{prefix}worker.\x00\x1b[2J\x7f|{hex}",
    "patterns": "{prefix}worker.*|{hex}",
    "beyond ASCII": "{prefix}worker.\u2028\U0001f600|{hex}",
}


@pytest.mark.parametrize("forgery", FORGED)
async def test_a_forged_reply_address_reaches_nobody(workers: Workers, redis: RedisServer, forgery: str) -> None:
    async with raw_session(workers[0], "forger", {"elicitation": {}}) as session:
        await session.post(call("greet", 7), to=workers[1])
        question = await session.message()
        prefix = question["id"].partition("worker.")[0]
        key = session_key(session.session_id)
        shape = FORGED[forgery]
        forged = shape.format(prefix=prefix, key=key, hex="0" * 32) if isinstance(shape, str) else shape
        reply = {"jsonrpc": "2.0", "id": forged, "result": {"action": "accept", "content": {"name": "Eve"}}}
        for worker in workers:
            assert (await session.post(reply, to=worker)).status_code == (202 if len(str(forged)) <= 256 else 400)
        await session.post({**reply, "id": question["id"], "result": {"action": "decline"}}, to=workers[2])
        assert (await session.message())["result"]["content"][0]["text"] == "Nobody there."


async def test_a_request_id_that_two_other_workers_see_is_answered_once(workers: Workers) -> None:
    async with raw_session(workers[0], "repeating") as session:
        await session.post(call("wait", 7), to=workers[1])
        answer = await session.request("tools/call", {"name": "echo", "arguments": {"text": "x"}}, 7, to=workers[2])
        assert "is being answered already" in answer["error"]["message"]
        await session.post(cancelled(7))


async def test_requests_beyond_the_limit_are_refused_wherever_they_land(workers: Workers) -> None:
    async with raw_session(workers[0], "greedy") as session:
        for number in range(6):
            await session.post(call("wait", number), to=workers[1 + number % 2])
        refused = [await session.message() for _ in range(2)]
        assert {message["id"] for message in refused} == {4, 5}
        assert "4 requests in flight" in refused[0]["error"]["message"]
        for number in range(4):
            await session.post(cancelled(number), to=workers[1 + number % 2])
        assert (await session.request("ping", request_id=9, to=workers[1]))["result"] == {}


async def test_a_client_has_so_many_sessions_on_all_workers_together(workers: Workers) -> None:
    async with (
        raw_session(workers[0], "many"), raw_session(workers[1], "many"),
        raw_session(workers[2], "many"), raw_session(workers[0], "many"),
        httpx2.AsyncClient(timeout=WAIT) as http,
    ):  # fmt: skip
        for worker in workers:
            response = await http.get(f"{worker.url}/sse", headers=worker.headers("many"))
            assert (response.status_code, bool(response.headers["retry-after"])) == (429, True)


async def expect_refused(session: RawSession, workers: Workers) -> None:
    """The very next call is refused, on each worker."""
    for number, worker in enumerate(workers, start=100):
        params = {"name": "echo", "arguments": {"text": "x"}}
        refused = await session.request("tools/call", params, number, to=worker)
        assert refused["error"]["message"].startswith("Your client is blocked here. Record ")


@EVERY
async def test_a_client_blocked_by_sql_is_refused_on_its_next_call_through_any_worker(
    workers: Workers, number: int
) -> None:
    subject = f"blocked-by-sql-{number}"
    async with raw_session(workers[0], subject) as session:
        for worker in workers:  # so that each has the old policy in memory
            assert "result" in await session.request("tools/call", {"name": "whoami", "arguments": {}}, 1, to=worker)
        block = "UPDATE authz_app_client SET status = 'blocked' WHERE subject = ?"
        execute(workers[0].database_url, block, [subject])
        await expect_refused(session, workers[number:] + workers[:number])


async def test_a_client_blocked_in_one_worker_s_admin_is_refused_on_its_next_call_through_another(
    workers: Workers,
) -> None:
    async with raw_session(workers[0], "blocked-in-admin") as session, httpx2.AsyncClient(timeout=WAIT) as browser:
        for worker in workers:
            assert "result" in await session.request("tools/call", {"name": "whoami", "arguments": {}}, 1, to=worker)
        block = await in_the_admin(workers[1], browser, "blocked-in-admin")
        await block()
        await expect_refused(session, [workers[2], workers[0], workers[1]])
        await session.ended()

        async def status() -> int:
            return (await session.post(PING, to=workers[2])).status_code

        # Its record is deleted a moment after its stream has ended.
        await eventually(status, equals=403)


async def in_the_admin(worker: Site, browser: httpx2.AsyncClient, subject: str) -> Any:
    """Log in to the admin of this worker; returns what blocks the client there."""
    worker.environment["DJANGO_SUPERUSER_PASSWORD"] = PASSWORD
    person = ("--username", "root", "--email", "root@example.com")
    made = await asyncio.to_thread(worker.manage, "createsuperuser", "--no-input", "-v0", *person)
    assert made.returncode == 0, made.stderr
    await post_form(worker, browser, "/admin/login/", {"username": "root", "password": PASSWORD})
    [(client,)] = rows(worker.database_url, "SELECT id FROM authz_app_client WHERE subject = ?", [subject])

    async def block() -> None:
        chosen = {"action": "block", "_selected_action": str(client)}
        await post_form(worker, browser, "/admin/authz_app/client/", chosen)

    return block


async def post_form(worker: Site, browser: httpx2.AsyncClient, path: str, fields: dict[str, str]) -> None:
    page = await browser.get(worker.url + path)
    found = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found is not None, page.text
    answer = await browser.post(worker.url + path, data={**fields, "csrfmiddlewaretoken": found[1]})
    assert answer.status_code == 302, answer.text
