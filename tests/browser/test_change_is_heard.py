"""A rule is edited in the admin, by a browser: who hears of it, how soon, and what holds from then on."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import CHROMIUM, launch
from tests.browser.screenshots import sign_in
from tests.conftest import need
from tests.databases import rows
from tests.issuer import Issuer
from tests.raw_mcp import raw_mcp
from tests.raw_modern import call, events, message, post, streamed
from tests.raw_sse import raw_session
from tests.redis import RedisServer
from tests.round_robin import BalancedSite, balanced_site
from tests.site import Site

WAIT = 30.0
CHANGED = "notifications/tools/list_changed"
LISTEN = message("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
Ask = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass
class Connected:
    """One way of one caller to be connected: what it hears, and how it asks."""

    name: str
    messages: AsyncIterator[dict[str, Any]]
    ask: Ask

    async def hears(self) -> float:
        """Wait until it hears that its list has changed, and return when that was."""
        async with asyncio.timeout(WAIT):
            async for heard in self.messages:
                assert heard["method"] == CHANGED, heard
                return time.monotonic()
        raise AssertionError(f"{self.name} was closed.")

    async def tools(self) -> set[str]:
        return {tool["name"] for tool in (await self.ask("tools/list", {}))["result"]["tools"]}

    async def may_call(self, tool: str) -> bool:
        return "result" in await self.ask("tools/call", {"name": tool, "arguments": {"text": "x"}})


class Administrator(threading.Thread):
    """Somebody at a browser, signed in, who changes the names in one rule after the other when told to."""

    def __init__(self, url: str, edits: list[tuple[int, str]]) -> None:
        super().__init__()
        self._url = url
        self._edits = edits
        self._go = threading.Semaphore(0)
        self._filled = threading.Semaphore(0)
        self.saved_at = 0.0

    async def save(self) -> None:
        """Let the next edit be saved."""
        assert await asyncio.to_thread(self._filled.acquire, timeout=WAIT)
        self.saved_at = time.monotonic()
        self._go.release()

    def run(self) -> None:
        with sync_playwright() as playwright, launch(playwright) as browser:
            page = browser.new_page(base_url=self._url)
            sign_in(page, "admin", "a password")
            for rule, names in self._edits:
                self._edit(page, rule, names)

    def _edit(self, page: Page, rule: int, names: str) -> None:
        page.goto(f"/admin/authz_app/rule/{rule}/change/")
        page.get_by_label("Names").fill(names)
        self._filled.release()
        assert self._go.acquire(timeout=WAIT)
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url("**/admin/authz_app/rule/")


@pytest.fixture
def site(issuer: Issuer, redis: RedisServer, nginx: None, fresh_sqlite: str) -> Iterator[BalancedSite]:
    need(f"Chromium ({CHROMIUM})", CHROMIUM.exists())
    with balanced_site(2, fresh_sqlite, issuer, REDIS_URL=redis.url) as running:
        made = running.manage(
            "shell",
            "-c",
            "from authz_app.models import User; User.objects.create_superuser('admin', password='a password')",
        )
        assert made.returncode == 0, made.stderr
        yield running
        assert "Traceback" not in running.log, running.log


def rule_for(site: BalancedSite, subject: str) -> int:
    assert site.issuer is not None
    who = ("--issuer", site.issuer.url, "--subject", subject)
    done = site.manage("add_rule", "--effect", "allow", *who, "--tool", "echo")
    assert done.returncode == 0, done.stderr
    [(rule,)] = rows(site.database_url, "SELECT max(id) FROM authz_app_rule")
    return int(rule)


async def every_way(site: BalancedSite, subject: str, worker: Site, stack: AsyncExitStack) -> list[Connected]:
    """Connect in each of the three ways, with the stream on this worker, and ask through any."""
    sse = await stack.enter_async_context(raw_session(worker, subject))
    mcp = await stack.enter_async_context(raw_mcp(site, subject))
    stream = await stack.enter_async_context(mcp.sent("GET", to=worker))
    listened = events(await stack.enter_async_context(streamed(worker, LISTEN, subject)))
    assert (await anext(listened))["method"] == "notifications/subscriptions/acknowledged"

    async def by_modern(method: str, params: dict[str, Any]) -> dict[str, Any]:
        body = call(**{"tool": params["name"], "arguments": params["arguments"]}) if params else message(method)
        answer = await asyncio.to_thread(post, site, body, site.headers(subject))
        told: dict[str, Any] = answer.json()
        return told

    return [
        Connected(f"{subject} by HTTP+SSE", iterated(sse.message), lambda method, params: sse.request(method, params)),
        Connected(f"{subject} by /mcp", iterated(stream.next), lambda method, params: mcp.request(method, params)),
        Connected(f"{subject} by subscriptions/listen", listened, by_modern),
    ]


async def iterated(read: Callable[[], Awaitable[dict[str, Any]]]) -> AsyncIterator[dict[str, Any]]:
    while True:
        yield await read()


@pytest.mark.timeout(180)
async def test_the_sessions_whose_list_changed_hear_of_it_and_then_list_and_call_agree(site: BalancedSite) -> None:
    alice, bob = rule_for(site, "alice"), rule_for(site, "bob")
    administrator = Administrator(site.url, [(alice, "echo\necho_async"), (bob, "echo\necho_async")])
    administrator.start()
    async with AsyncExitStack() as stack:
        hers = [one for worker in site.workers for one in await every_way(site, "alice", worker, stack)]
        his = [one for worker in site.workers for one in await every_way(site, "bob", worker, stack)]
        his_hearing = [asyncio.create_task(one.hears()) for one in his]
        await administrator.save()
        heard = await asyncio.gather(*(one.hears() for one in hers))
        first_took = max(heard) - administrator.saved_at
        await assert_list_and_call_agree(hers, {"echo", "echo_async"})
        assert not any(hearing.done() for hearing in his_hearing)

        her_hearing = [asyncio.create_task(one.hears()) for one in hers if "SSE" not in one.name]
        await administrator.save()
        # What he hears first is of his own list, and came after it was changed.
        heard = await asyncio.gather(*his_hearing)
        assert min(heard) > administrator.saved_at
        second_took = max(heard) - administrator.saved_at
        await assert_list_and_call_agree(his, {"echo", "echo_async"})
        assert not any(hearing.done() for hearing in her_hearing)
        for hearing in her_hearing:
            hearing.cancel()
        await asyncio.gather(*her_hearing, return_exceptions=True)
    await asyncio.to_thread(administrator.join, WAIT)
    print(
        f"Heard {first_took * 1000:.0f} and {second_took * 1000:.0f} ms after the click, by the last of 6 streams each"
    )
    assert max(first_took, second_took) < WAIT / 2


async def assert_list_and_call_agree(connected: list[Connected], expected: set[str]) -> None:
    for one in connected:
        assert await one.tools() == expected, one.name
        for tool in ("echo", "echo_async", "mark"):
            assert await one.may_call(tool) == (tool in expected), (one.name, tool)
