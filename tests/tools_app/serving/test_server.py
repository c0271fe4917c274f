"""The serving process: how it starts, what it logs, how it drains, and what it does with readers that do not read.

Covers: tools_app.serving.access_log, tools_app.management.commands.serve, mcpsite.asgi,
    mcpsite.loop
"""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.databases import rows, rule_for_everybody
from tests.eventually import eventually
from tests.issuer import Issuer
from tests.raw_sse import RawSession, call, raw_session
from tests.site import ROOT, Site

WAIT = 60.0


@pytest.fixture
def draining(fresh_sqlite: str, start_site: Callable[..., Site]) -> Site:
    rule_for_everybody(fresh_sqlite, "*")
    return start_site(fresh_sqlite, DRAIN_SECONDS="5")


def outcomes(site: Site) -> list[tuple[str, str]]:
    return rows(site.database_url, "SELECT tool, outcome FROM authz_app_callrecord ORDER BY at")  # type: ignore[return-value]  # two columns


async def test_a_running_call_ends_and_its_result_arrives_before_the_process_leaves(draining: Site) -> None:
    async with raw_session(draining) as session:
        await session.post(call("nap", 7, seconds=1.5))
        await started(draining, "nap")
        stopping = asyncio.create_task(asyncio.to_thread(draining.stop))
        answer = await session.message()
        assert answer["result"]["content"][0]["text"] == "rested"
        await session.ended()
        assert await stopping == 0
    assert outcomes(draining) == [("nap", "ok")]


async def test_a_call_that_outlasts_the_drain_is_cancelled_and_recorded(
    fresh_sqlite: str, start_site: Callable[..., Site]
) -> None:
    rule_for_everybody(fresh_sqlite, "*")
    site = start_site(fresh_sqlite, DRAIN_SECONDS="0.5")
    async with raw_session(site) as session:
        await session.post(call("wait", 7))
        await started(site, "wait")
        assert await asyncio.to_thread(site.stop) == 0
    assert outcomes(site) == [("wait", "cancelled")]
    site.assert_no_traceback()


async def test_nothing_is_taken_on_while_draining(draining: Site) -> None:
    async with raw_session(draining) as session, httpx2.AsyncClient() as http:
        await session.post(call("nap", 7, seconds=3))
        await started(draining, "nap")
        headers = {**session.headers, "Content-Type": "application/json"}
        await http.post(draining.url + session.endpoint, headers=headers, json=call("echo", 8, text="x"))
        stopping = asyncio.create_task(asyncio.to_thread(draining.stop))
        await eventually(lambda: not _accepts(draining.port))

        async def refused() -> int | None:
            late = call("echo", 9, text="x")
            answer = await http.post(draining.url + session.endpoint, headers=headers, json=late)
            return None if answer.is_success else answer.status_code

        # What was on its way when the worker was told to stop is still served.
        assert await eventually(refused) == 503
        assert await stopping == 0


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def started(site: Site, tool: str) -> None:
    await eventually(lambda: (tool, "") in outcomes(site))


def test_what_looks_wrong_in_the_settings_is_said_at_the_start(
    fresh_sqlite: str, start_site: Callable[..., Site]
) -> None:
    elsewhere = '[{"issuer": "https://issuer.example/", "audiences": ["https://elsewhere.example/mcp"]}]'
    site = start_site(fresh_sqlite, TRUSTED_ISSUERS=elsewhere)
    line = site.wait_for_line("WARNING.*authz.W001")
    assert "https://elsewhere.example/mcp" in line
    assert f"Add {site.public_url}/mcp to the audiences" in line


def test_a_taken_port_is_said_in_a_sentence(draining: Site) -> None:
    refused = draining.manage("serve", "--port", str(draining.port))
    assert refused.returncode == 1
    assert f"Port {draining.port} is taken by another program." in refused.stderr
    assert "Traceback" not in refused.stderr


def test_it_serves_on_an_inherited_socket(fresh_sqlite: str, issuer: Issuer) -> None:
    site = Site(fresh_sqlite, issuer)
    with closing(socket.create_server(("127.0.0.1", site.port))) as listening:
        descriptor = listening.fileno()
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--fd", str(descriptor)],
            cwd=ROOT,
            env=site.environment,
            pass_fds=[descriptor],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert httpx2.get(f"{site.url}/sse", timeout=WAIT).status_code == 401
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(WAIT) == 0


@pytest.mark.parametrize("descriptor", ["0", "999"])
def test_a_descriptor_that_is_no_listening_socket_is_refused(fresh_sqlite: str, descriptor: str) -> None:
    refused = Site(fresh_sqlite).manage("serve", "--fd", descriptor)
    assert "is not a listening socket" in refused.stderr
    assert "Traceback" not in refused.stderr


PLAIN_DAPHNE = "plain daphne"


@pytest.mark.parametrize("server", ["serve", PLAIN_DAPHNE])
async def test_no_log_has_a_query_string(fresh_sqlite: str, issuer: Issuer, server: str) -> None:
    rule_for_everybody(fresh_sqlite, "*")
    site = Site(fresh_sqlite, issuer, ALLOW_QUERY_TOKEN="true")
    daphne = [sys.executable, "-m", "daphne", "-p", str(site.port), "mcpsite.asgi:application"]
    site.start(*(daphne if server == PLAIN_DAPHNE else []))
    try:
        token = site.token()
        async with httpx2.AsyncClient(timeout=WAIT) as http:
            async with http.stream("GET", f"{site.url}/sse?access_token={token}") as response:
                assert response.status_code == 200
            await http.get(f"{site.url}/nowhere?access_token={token}")
            await http.get(f"{site.url}/messages/?session_id=secret&access_token={token}")
        async with raw_session(site) as session:
            await session.request("ping")
            session_id = session.session_id
    finally:
        site.stop()
    assert "/messages/" in site.log
    assert token not in site.log
    assert session_id not in site.log
    assert "access_token" not in site.log


async def test_a_reader_that_never_reads_is_cut_off_before_memory_grows(
    fresh_sqlite: str, start_site: Callable[..., Site]
) -> None:
    rule_for_everybody(fresh_sqlite, "*")
    site = start_site(fresh_sqlite, MAX_QUEUED_BYTES="400000")
    async with RawSession(site, site.headers()) as reader:
        await reader.initialize()
        with _deaf_session(site) as (endpoint, headers):
            async with httpx2.AsyncClient(timeout=WAIT) as http:
                async with asyncio.timeout(WAIT):
                    status, taken = 202, 0
                    while status == 202:
                        body = call("large", 1, size=90_000)
                        answer = await http.post(
                            f"{site.url}{endpoint}", headers=headers | {"Content-Type": "application/json"}, json=body
                        )
                        status, taken = answer.status_code, taken + 90_000
        assert status == 404
    site.wait_for_line("closed: the reader fell too far behind")
    site.stop()
    ended = rows(fresh_sqlite, "SELECT details FROM authz_app_auditevent WHERE kind = 'session_closed'")
    assert any("the reader fell too far behind" in details for (details,) in ended)
    assert taken < 400_000 + _system_buffers() + 10 * 90_000


def _system_buffers() -> int:
    """Bytes that the system itself may keep of a connection: what can be written, and what can be received."""
    limits = [Path(f"/proc/sys/net/ipv4/tcp_{name}") for name in ("wmem", "rmem")]
    return sum(int(limit.read_text().split()[-1]) if limit.exists() else 8_000_000 for limit in limits)


class _deaf_session:
    """A stream that is opened by hand and never read after its first bytes."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __enter__(self) -> tuple[str, dict[str, str]]:
        headers = self._site.headers("deaf")
        self._socket = socket.create_connection(("127.0.0.1", self._site.port), timeout=WAIT)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = f"GET /sse HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {headers['Authorization']}\r\n\r\n"
        self._socket.sendall(request.encode())
        received = b""
        while b"session_id=" not in received or not received.endswith(b"\r\n\r\n"):
            received += self._socket.recv(4096)
        endpoint = received.partition(b"data: ")[2].partition(b"\r\n")[0].decode()
        response = httpx2.post(
            self._site.url + endpoint,
            headers=headers | {"Content-Type": "application/json"},
            json={
                "jsonrpc": "2.0",
                "id": 0,
                "method": "initialize",
                "params": {
                    "protocolVersion": "2025-06-18",
                    "capabilities": {},
                    "clientInfo": {"name": "deaf", "version": "1"},
                },
            },
        )
        assert response.status_code == 202
        return endpoint, headers

    def __exit__(self, *_: object) -> None:
        self._socket.close()
