"""Workers that share a database see each other there, and say so where they should not be alone."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx2
import pytest
from django.db import DatabaseError
from django.test import Client as Browser
from django.utils import timezone

from authz_app.policy_store import loading
from tests.databases import rows
from tests.eventually import wait_until
from tests.issuer import Issuer
from tests.site import Site
from tools_app.cluster import presence
from tools_app.cluster.presence import Presence
from tools_app.models import WorkerPresence

BEAT = 0.05
WAIT = 60.0
WARNING = "Another worker"
NOTICE = "Several workers run on this database"

in_threads = pytest.mark.django_db(transaction=True)


@contextmanager
def present(name: str = "me", *, alone: bool = True) -> Iterator[Presence]:
    """A worker that has been seen."""
    here = Presence(name, alone, BEAT)
    here.start()
    wait_until(lambda: WorkerPresence.objects.filter(name=name).exists())
    try:
        yield here
    finally:
        here.stop()


def beaten(name: str = "me") -> None:
    """Wait until the worker has shown itself once more, with all that this entails."""
    for _ in range(2):
        seen = WorkerPresence.objects.get(name=name).seen_at
        wait_until(lambda seen=seen: WorkerPresence.objects.get(name=name).seen_at > seen)  # type: ignore[misc]


def row(name: str, started: float, seen: float, alone: bool = True) -> WorkerPresence:
    """A worker that started, and was last seen, so many seconds ago."""
    now = timezone.now()
    times = {"started_at": now - timedelta(seconds=started), "seen_at": now - timedelta(seconds=seen)}
    return WorkerPresence.objects.create(name=name, alone=alone, **times)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == presence.__name__]


# In the database


@in_threads
@pytest.mark.database
def test_a_worker_is_seen_while_it_lives_and_gone_when_it_leaves() -> None:
    with present():
        beaten()
        found = WorkerPresence.objects.get()
        assert found.started_at < found.seen_at
        assert abs(timezone.now() - found.seen_at) < timedelta(seconds=WAIT)
    assert not WorkerPresence.objects.exists()


@in_threads
@pytest.mark.database
def test_rows_that_nobody_renews_are_removed_after_an_hour() -> None:
    row("long dead", started=9_000, seen=3_700)
    row("just dead", started=9_000, seen=3_500)
    with present():
        assert set(WorkerPresence.objects.values_list("name", flat=True)) == {"me", "just dead"}


@in_threads
def test_a_worker_whose_row_was_removed_writes_it_anew() -> None:
    with present():
        WorkerPresence.objects.all().delete()
        wait_until(lambda: WorkerPresence.objects.exists())


@in_threads
def test_a_worker_that_left_is_not_seen_again() -> None:
    here = Presence("me", True, BEAT)
    here.leave()
    here.start()
    here.stop()
    assert not WorkerPresence.objects.exists()


@in_threads
@pytest.mark.database
def test_being_present_does_not_move_the_policy_version() -> None:
    before = loading.load(None).version
    with present():
        beaten()
    assert loading.load(None).version == before


@pytest.mark.django_db(transaction=True)
def test_a_database_that_cannot_be_written_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tried: list[str] = []

    def fail() -> None:
        tried.append("")
        raise DatabaseError("the disk is full")

    here = Presence("me", True, BEAT)
    monkeypatch.setattr(here, "_show", fail)
    here.start()
    wait_until(lambda: len(tried) > 2)
    here.stop()
    assert warnings(caplog) == [
        "It cannot be seen which workers share this database: the disk is full",
        "It can be seen again which workers share this database.",
    ]


# In the log


@in_threads
@pytest.mark.database
def test_two_workers_at_a_time_without_redis_warn_of_each_other_once(caplog: pytest.LogCaptureFixture) -> None:
    with present("one"), present("two"):
        wait_until(lambda: len(warnings(caplog)) >= 2)
        beaten("one")
        beaten("two")
    told = sorted(warnings(caplog))
    assert len(told) == 2
    assert told[0].startswith("Another worker, one, runs on this database, and REDIS_URL is not set for this one")
    assert told[1].startswith("Another worker, two,")
    assert all(text.endswith("Set REDIS_URL for all workers, or run only one.") for text in told)


@in_threads
def test_a_worker_that_was_killed_before_this_one_started_is_no_other(caplog: pytest.LogCaptureFixture) -> None:
    row("killed", started=100, seen=1)
    with present():
        beaten()
        assert not presence.notices()
    assert not warnings(caplog)


@in_threads
def test_with_redis_nobody_warns(caplog: pytest.LogCaptureFixture) -> None:
    with present("one", alone=False), present("two", alone=False):
        beaten("one")
        beaten("two")
        assert not presence.notices()
    assert not warnings(caplog)


@in_threads
def test_the_one_worker_without_redis_warns_of_those_with(caplog: pytest.LogCaptureFixture) -> None:
    with present("with", alone=False), present("without"):
        beaten("with")
        beaten("without")
        assert presence.notices()
    assert [text.split(",")[1] for text in warnings(caplog)] == [" with"]


# On the admin's pages


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/", "/admin/tools_app/mcpsession/"])
def test_the_admin_says_that_workers_do_not_know_each_other(admin_client: Browser, path: str) -> None:
    row("one", started=100, seen=1)
    assert NOTICE not in admin_client.get(path).content.decode()
    row("two", started=50, seen=2)
    page = admin_client.get(path).content.decode()
    assert NOTICE in page
    assert "Set REDIS_URL for all workers, or run only one." in page


@pytest.mark.django_db
@pytest.mark.database
@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param((100, 1, True), (0.5, 0, True), id="one replaced the other"),
        pytest.param((100, 1, True), (90, 50, True), id="one is gone"),
        pytest.param((100, 1, False), (90, 1, False), id="both have redis"),
    ],
)
def test_the_admin_says_nothing_where_all_is_well(
    one: tuple[float, float, bool], two: tuple[float, float, bool]
) -> None:
    row("one", *one)
    assert not presence.notices()
    row("two", *two)
    assert not presence.notices()


# With real workers


def seen_on(site: Site, workers: int) -> None:
    """Make a first request, for a session that does not exist, and wait until so many workers are seen."""
    url = f"{site.url}/messages/?session_id={'0' * 32}"
    message = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert httpx2.post(url, json=message, headers=site.headers(), timeout=WAIT).status_code == 404
    wait_until(lambda: len(present_on(site)) == workers)


def present_on(site: Site) -> list[str]:
    return [name for (name,) in rows(site.database_url, "SELECT name FROM tools_app_workerpresence")]


def test_a_second_worker_on_the_database_is_noticed_by_both(fresh_sqlite: str, issuer: Issuer) -> None:
    with Site(fresh_sqlite, issuer) as one:
        seen_on(one, workers=1)
        with Site(fresh_sqlite, issuer) as two:
            seen_on(two, workers=2)
            two.wait_for_line("Another worker, .* runs on this database")
            one.wait_for_line("Another worker, .* runs on this database", seconds=25)
        assert len(present_on(one)) == 1
        one.assert_no_traceback()
        two.assert_no_traceback()
    assert not present_on(one)


def test_a_worker_that_was_killed_and_started_again_warns_of_nobody(fresh_sqlite: str, issuer: Issuer) -> None:
    killed = Site(fresh_sqlite, issuer).start()
    seen_on(killed, workers=1)
    killed.stop(signal.SIGKILL)
    with Site(fresh_sqlite, issuer) as again:
        seen_on(again, workers=2)
    assert "Another worker" not in again.log
