"""Promise 6, with two hundred secrets: sent in every way to a real site, and hunted for wherever anything is kept."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from glob import glob
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx2
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation, PromptReference

from tests.databases import connect, rows, rule_for_everybody
from tests.eventually import wait_until
from tests.secret_corpus import HARMLESS_NAMED, NAMED, SHAPED, Secret
from tests.secret_tools import LEVELS
from tests.site import Site

pytestmark = pytest.mark.timeout(900)

CANARY = "kestrelsong"
ADMIN, PASSWORD = "auditor", "an administrator's own"
IN_FLIGHT = 8
EVERY = 60
RECORDS = "/admin/authz_app/callrecord/"
LISTS = ("/admin/", RECORDS, f"{RECORDS}?decision=denied", f"{RECORDS}?q=args:{CANARY}", "/admin/refusals/",
         "/admin/authz_app/auditevent/", "/admin/authz_app/client/", "/admin/tools_app/tool/",
         "/admin/tools_app/mcpsession/")  # fmt: skip
HEADERS = ("X-Api-Key", "X-Forwarded-For", "User-Agent", "Referer", "Mcp-Session-Id", "Last-Event-ID", "Cookie")


def arguments() -> list[dict[str, Any]]:
    """Each secret as arguments, and beside each a word that is none."""
    about = {"about": CANARY}
    shaped = [{"text": one.text, "named": {one.text: [one.text]}, "note": about} for one in SHAPED]
    named = [{"named": {"deep": [{one.name: one.core}]}, "note": about} for one in NAMED]
    hidden = [{"note": {"hidden": core, **about}} for core in HARMLESS_NAMED]
    return [*shaped, *named, *hidden]


async def gathered(work: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Do all of it, some at a time, and let whoever is refused be refused."""
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def one(todo: Coroutine[Any, Any, object]) -> None:
        async with gate:
            with suppress(MCPError):
                await todo

    await asyncio.gather(*map(one, work))


def calls(client: Client, ways: Iterable[str]) -> Iterator[Coroutine[Any, Any, object]]:
    """Every secret through the tool of every level."""
    how = cycle(ways)
    for given in arguments():
        for level in LEVELS:
            yield client.call_tool(f"keep_{level}", {**given, "how": next(how)})


def misplaced(client: Client, several: Iterable[Secret]) -> Iterator[Coroutine[Any, Any, object]]:
    """Secrets where names and URIs belong."""
    for level, secret in zip(cycle(LEVELS), several, strict=False):
        yield client.call_tool(secret.text, {"note": secret.text})
        yield client.read_resource(f"{level}://x/{quote(secret.text, safe='')}")
        yield client.read_resource(f"nowhere://x/?about={quote(secret.text, safe='')}")
        yield client.get_prompt(f"about_{level}", {"text": secret.text})
        yield client.get_prompt(secret.text, {"text": secret.text})
        yield client.complete(
            PromptReference(type="ref/prompt", name=f"about_{level}"), {"name": "text", "value": secret.text}
        )


async def at_the_door(site: Site) -> None:
    """Secrets in requests: in paths, queries, headers, as tokens and in bodies that are no good."""
    secrets = [one for one in SHAPED if one.text.isprintable() and one.text.isascii()]
    good = site.headers()
    async with httpx2.AsyncClient(timeout=30) as http:

        async def send(method: str, path: str, headers: dict[str, str], body: str = "") -> None:
            await http.request(method, site.url + path, headers=headers, content=body.encode())

        work = []
        for header, one in zip(cycle(HEADERS), secrets, strict=False):
            sent = quote(one.text, safe="")
            json_body = f'{{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": [{one.text}]}}'
            work += [
                send("GET", f"/sse/{sent}", good),
                send("POST", f"/mcp?about={sent}", {**good, header: one.text}, "{}"),
                send("POST", f"/messages/?session_id={sent}", good, one.text),
                send("POST", "/mcp", {"Authorization": f"Bearer {sent}"}, "{}"),
                send("POST", "/mcp", {"Authorization": one.text}, "{}"),
                send("POST", "/mcp", {**good, "Content-Type": "application/json"}, json_body),
                send("GET", f"/r/{sent}", {}),
            ]
        await gathered(work)


async def send_everything(site: Site) -> None:
    await at_the_door(site)
    thirty = SHAPED[::5]
    for secret in thirty[:12]:
        software = Implementation(name=secret.text[:500] or "x", version=secret.text[:500])
        async with site.client(client_info=software) as client:
            await gathered([client.call_tool("keep_metadata", {})])
    async with site.client() as client:
        await gathered(calls(client, ("", "crash")))
        await gathered(misplaced(client, thirty))
    async with site.streamable_client() as client:
        await gathered(calls(client, ("fail", "crash", "")))
        await gathered(misplaced(client, SHAPED[2::5]))


def sought() -> dict[str, str]:
    """What must be found nowhere: each secret, and half of it where that is long enough to be told from chance."""
    found = {one.core: f"{one.kind}: {one.text[:40]}" for one in SHAPED}
    for one in SHAPED:
        half = len(one.core) // 2
        if half >= 12 and not one.kind.startswith("card"):
            found |= {one.core[:half]: f"half of {one.kind}", one.core[half:]: f"half of {one.kind}"}
    found |= {one.core: f"under {one.name}" for one in NAMED}
    return found | dict.fromkeys(HARMLESS_NAMED, "by its path")


def leaks(where: str, text: bytes) -> list[str]:
    found = []
    for core, what in sought().items():
        at = text.find(core.encode())
        if at >= 0:
            found.append(f"{where}: {what} in ...{text[max(at - 80, 0) : at + 60]!r}")
    return found


def database(url: str) -> bytes:
    """All that the database keeps: its files, or a dump of it."""
    if url.startswith("sqlite"):
        path = url.removeprefix("sqlite:///")
        return b"".join(Path(one).read_bytes() for one in glob(f"{path}*"))
    found: list[bytes] = []
    with connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            with connection.cursor().copy(f'COPY "{name}" TO STDOUT') as copy:
                found += [bytes(block) for block in copy]
    if dump := _dumped(url):
        found.append(dump)
    return b"".join(found)


def _dumped(url: str) -> bytes:
    programs = [shutil.which("pg_dump"), *sorted(glob("/usr/lib/postgresql/*/bin/pg_dump"), reverse=True)]
    program = next((one for one in programs if one), None)
    if program is None:
        return b""
    return subprocess.run([program, "--inserts", url], capture_output=True, check=True, timeout=120).stdout


def exports(site: Site, directory: Path) -> bytes:
    for name in ("records.jsonl", "records.csv"):
        done = site.manage("audit", "export", "--output", str(directory / name))
        assert done.returncode == 0, done.stderr
    return b"".join(path.read_bytes() for path in directory.glob("records*"))


class Auditor:
    """A person at the admin's pages, who may see everything and looks at it."""

    def __init__(self, site: Site) -> None:
        self._http = httpx2.Client(base_url=site.url, timeout=60, follow_redirects=True)
        login = "/admin/login/?next=/admin/"
        self._http.get(login)
        self._post(login, username=ADMIN, password=PASSWORD)

    def _post(self, path: str, **fields: str) -> str:
        token = self._http.cookies["csrftoken"]
        answer = self._http.post(path, data={**fields, "csrfmiddlewaretoken": token})
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def page(self, path: str) -> str:
        answer = self._http.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def leave(self) -> None:
        self._http.close()

    def look(self, record_id: str, at: str) -> str:
        return self._post(f"/admin/records/{record_id}/look/", at=at)


def collected(lines: Path, last: str) -> None:
    """Wait for the line of this record: it is written when the record has been sealed."""
    wait_until(
        lambda: lines.exists() and last.encode() in lines.read_bytes(), within=120, what="the last record's line"
    )


def pages(site: Site, record_ids: list[str]) -> bytes:
    auditor = Auditor(site)
    seen = [auditor.page(path) for path in LISTS]
    for record_id in record_ids:
        seen += [auditor.look(record_id, at) for at in ("record", "explanation")]
        seen.append(auditor.page(f"/r/{record_id}"))
    auditor.leave()
    return "\n".join(seen).encode()


def test_two_hundred_secrets_are_found_nowhere(
    fresh_database: str, start_site: Callable[..., Site], tmp_path: Path
) -> None:
    assert len(SHAPED) + len(NAMED) + len(HARMLESS_NAMED) >= 200
    lines = tmp_path / "audit.lines"
    site = start_site(
        fresh_database,
        TEST_APPS="tests.secret_tools",
        AUDIT_SEAL_SECONDS="0.5",
        AUDIT_LINES=str(lines),
        AUDIT_LINES_FULL="true",
    )
    assert site.manage("migrate", "-v0").returncode == 0
    rule_for_everybody(fresh_database, "*", kind="all")
    environment = {**site.environment, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    site.environment = environment
    assert site.manage("createsuperuser", "--noinput", "--username", ADMIN, "--email", "a@b.example").returncode == 0
    asyncio.run(send_everything(site))
    ids = [str(UUID(str(row[0]))) for row in rows(fresh_database, "SELECT id FROM authz_app_callrecord ORDER BY id")]
    assert len(ids) > 2 * len(LEVELS) * len(arguments())
    where = {
        "pages": pages(site, ids[::EVERY]),
        "exports": exports(site, tmp_path),
        "log": site.log.encode(),
        "database": database(fresh_database),
    }
    collected(lines, ids[-1])
    site.stop()
    where["log at the end"] = site.log.encode()
    where["lines for a log collector"] = lines.read_bytes()
    where["database at the end"] = database(fresh_database)
    assert [leak for name, text in where.items() for leak in leaks(name, text)] == []
    # The hunt looks in the right places: the word that is no secret is there.
    assert {name for name, text in where.items() if CANARY.encode() in text} == set(where)
    outcomes = {(row[0]): row[1] for row in rows(fresh_database, _OUTCOMES)}
    assert outcomes.keys() >= {"ok", "tool_error", "crashed"}
    held = [row[0] for row in rows(fresh_database, "SELECT result FROM authz_app_callrecord") if CANARY in row[0]]
    assert len(held) > len(SHAPED)


_OUTCOMES = "SELECT outcome, count(*) FROM authz_app_callrecord GROUP BY outcome"


def test_the_corpus_itself_holds_nothing_that_a_scanner_would_take_for_a_secret() -> None:
    """It is made when it is read, and stands in no file."""
    source = (Path(__file__).parent.parent / "secret_corpus.py").read_text()
    assert not [one.kind for one in SHAPED if one.core in source]
    assert os.path.getsize(Path(__file__).parent.parent / "secret_corpus.py") < 40_000
