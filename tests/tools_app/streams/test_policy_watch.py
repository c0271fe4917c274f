"""Open streams are told what a change of the policy means for them, and nobody else is."""

import asyncio
import time
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from authz_app.models import Client, Rule
from tests.eventually import eventually
from tests.tools_app.connected import Join, expired, opened, read
from tools_app.streams import watch

pytestmark = pytest.mark.django_db(transaction=True)  # The watch reads the policy, in a thread of its own.


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy is looked at often."""
    monkeypatch.setattr(watch, "_WATCH_EVERY", 0.02)


def allow_soon(subject: str) -> None:
    """A rule for one client, whose window opens soon."""
    Client.objects.update(status=Client.Status.ACTIVE)
    rule = Rule.objects.create(tools="echo", enabled=False)
    rule.clients.set([Client.objects.get(subject=subject)])
    Rule.objects.update(enabled=True, valid_from=timezone.now() + timedelta(seconds=0.5))
    connection.close()


async def test_a_stream_whose_token_has_expired_is_told_once_when_it_speaks_again(join: Join) -> None:
    here = await join()
    _, silent = await expired(here, "silent")
    _, awake = await opened(here, "awake")
    await eventually(lambda: awake.seen is not None)
    silent.seen = awake.seen
    await asyncio.to_thread(allow_soon, "alice")
    await read(awake, 1)
    await asyncio.to_thread(until_soon)
    await read(awake, 1)
    await asyncio.to_thread(always)
    await read(awake, 1)
    assert not silent.stream._chunks
    here.streams.extend("silent", time.time() + 60, silent.caller.principal)
    assert [orjson.loads(message)["method"] for message in await read(silent, 1)] == [
        "notifications/tools/list_changed"
    ]
    assert ("tool", "echo") in (silent.seen or ())


def always() -> None:
    Rule.objects.update(valid_from=None, valid_until=None)
    connection.close()


def until_soon() -> None:
    """The rule's window closes soon."""
    Rule.objects.update(valid_until=timezone.now() + timedelta(seconds=0.5))
    connection.close()


async def test_who_a_window_is_about_hears_when_it_opens_and_when_it_closes(join: Join) -> None:
    here = await join()
    here.watch._heartbeat = 0.0
    _, mine = await opened(here, "mine")
    _, other = await opened(here, "other", ("https://issuer.example/", "bob", "app"))
    await eventually(lambda: mine.seen is not None and other.seen is not None)
    assert ("tool", "echo") not in (mine.seen or ())
    await asyncio.to_thread(allow_soon, "alice")
    await eventually(lambda: ("tool", "echo") in (mine.seen or ()))
    await asyncio.to_thread(until_soon)
    await eventually(lambda: ("tool", "echo") not in (mine.seen or ()))
    assert [orjson.loads(message)["method"] for message in await read(mine, 2)] == [
        "notifications/tools/list_changed"
    ] * 2
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await other.stream.next()
