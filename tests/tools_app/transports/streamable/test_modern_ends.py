"""How requests of the 2026-07-28 era end when a worker drains, and when a client does not take its result."""

import asyncio
import json
import signal
import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.databases import execute, rows, rule_for_everybody
from tests.eventually import wait_until
from tests.raw_modern import WAIT, call, headers_for, message, post
from tests.site import Site

StartSite = Callable[..., Site]
# More than a connection's buffers take, so that the result has to wait behind it.
CHATTER = call("chatter", {"size": 400_000, "times": 30}, progressToken=1)


def begun(site: Site, body: dict[str, Any], subject: str) -> socket.socket:
    """A connection on which a message was sent, and nothing is read."""
    content = json.dumps(body).encode()
    sent = headers_for(body) | site.headers(subject) | {"Host": "127.0.0.1", "Content-Length": str(len(content))}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    connection = socket.create_connection(("127.0.0.1", site.port), timeout=WAIT)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.sendall(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + content)
    return connection


def until(site: Site, subject: str, columns: str, expected: tuple[Any, ...]) -> None:
    """Wait until the subject's only record has these values."""
    query = f"SELECT {columns} FROM authz_app_callrecord WHERE subject = ?"
    wait_until(lambda: rows(site.database_url, query, [subject]), equals=[expected])


async def test_a_draining_worker_lets_a_call_end_and_delivers_its_result(
    start_site: StartSite, fresh_sqlite: str
) -> None:
    site = start_site(fresh_sqlite)
    rule_for_everybody(fresh_sqlite, "*")
    running = asyncio.create_task(asyncio.to_thread(post, site, call("nap", {"seconds": 1}), site.headers("napper")))
    await asyncio.to_thread(until, site, "napper", "outcome", ("",))
    await asyncio.to_thread(site.stop, signal.SIGTERM)
    assert (await running).json()["result"]["content"][0]["text"] == "rested"
    until(site, "napper", "outcome, undelivered", ("ok", False))


async def test_a_call_that_outlasts_the_drain_is_cancelled_and_its_caller_told(
    start_site: StartSite, fresh_sqlite: str
) -> None:
    site = start_site(fresh_sqlite, DRAIN_SECONDS="0.5")
    rule_for_everybody(fresh_sqlite, "*")
    running = asyncio.create_task(asyncio.to_thread(post, site, call("wait"), site.headers("waiter")))
    await asyncio.to_thread(until, site, "waiter", "outcome", ("",))
    await asyncio.to_thread(site.stop, signal.SIGTERM)
    response = await running
    assert response.status_code == 503
    assert response.json()["id"] == 1
    assert "was shut down before it was done" in response.json()["error"]["message"]
    until(site, "waiter", "outcome", ("cancelled",))


def test_a_result_that_its_client_did_not_wait_for_is_recorded_as_not_delivered(
    start_site: StartSite, fresh_sqlite: str
) -> None:
    site = start_site(fresh_sqlite, MAX_QUEUED_BYTES="20000000")
    rule_for_everybody(fresh_sqlite, "*")
    with begun(site, CHATTER, "leaver"):
        until(site, "leaver", "outcome, undelivered", ("ok", False))
    until(site, "leaver", "outcome, undelivered", ("ok", True))
    assert httpx2.get(f"{site.url}/").status_code < 500
    site.assert_no_traceback()


def test_a_client_that_reads_slowly_still_gets_its_result(start_site: StartSite, fresh_sqlite: str) -> None:
    site = start_site(fresh_sqlite, MAX_QUEUED_BYTES="20000000")
    rule_for_everybody(fresh_sqlite, "*")
    with begun(site, CHATTER, "slow") as connection:
        until(site, "slow", "outcome", ("ok",))
        received = b""
        while b'"result"' not in received[-5_000:]:
            chunk = connection.recv(65_536)
            assert chunk, received[-200:]
            received += chunk
    until(site, "slow", "outcome, undelivered", ("ok", False))
    assert len(received) < 8_500_000  # What was too much to wait for such a reader was left out.


def test_a_subscriber_that_reads_nothing_is_cut_off_when_its_stream_ends(
    start_site: StartSite, fresh_sqlite: str
) -> None:
    """The server could not send on, so it would hold the stream, and count it, for as long as the client likes."""
    site = start_site(fresh_sqlite, MAX_BODY_BYTES="20000000", MAX_SESSIONS_PER_CLIENT="1")
    # The acknowledgement repeats them: more than the connection's buffers take.
    uris = [f"notes://{number}/{'x' * 1_000}" for number in range(12_000)]
    with begun(
        site, message("subscriptions/listen", {"notifications": {"resourceSubscriptions": uris}}), "deaf"
    ) as deaf:
        assert deaf.recv(15) == b"HTTP/1.1 200 OK"
        assert post(site, message("tools/list"), site.headers("deaf")).status_code == 429
        execute(fresh_sqlite, "UPDATE authz_app_client SET status = 'blocked' WHERE subject = 'deaf'")
        site.wait_for_line("A subscription of deaf closed: its client is blocked")
        execute(fresh_sqlite, "UPDATE authz_app_client SET status = 'active' WHERE subject = 'deaf'")
        wait_until(lambda: post(site, message("tools/list"), site.headers("deaf")).status_code, equals=200)
        with pytest.raises(ConnectionResetError):
            while deaf.recv(1_000_000):
                pass
    site.assert_no_traceback()
