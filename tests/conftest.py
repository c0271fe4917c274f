"""What all tests share: the test issuer, sites on real sockets, and the servers that some tests need."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpcore2
import psycopg
import pytest
from django.db import connection, connections
from django.db.backends.base.introspection import BaseDatabaseIntrospection
from django.db.models.signals import post_migrate
from django.dispatch import receiver
from httpx2._config import DEFAULT_TIMEOUT_CONFIG
from pytest_django import DjangoDbBlocker

from authz_app.policy_store.tables import CHANGE, EDIT, REVISION
from authz_app.triggers import append_only_history, append_only_records, install
from tests import clean_database, redis as redis_server, round_robin, warm_python
from tests.eventually import PATIENCE
from tests.issuer import Issuer
from tests.redis import RedisServer
from tests.site import Site

POSTGRES_URL = os.environ.get("TEST_POSTGRES_URL", "")
# Each HTTP client would load the system's certificates anew, a hundredth of a second's work; sites of tests have none.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)
# Five seconds, as the library has it, are few for a site that starts beside busy processes.
vars(DEFAULT_TIMEOUT_CONFIG).update(dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE))


def empty_history_last(introspection: BaseDatabaseIntrospection, *args: Any, **options: Any) -> list[str]:
    """The tables, those last that triggers of the others write into: a flush empties them in this order."""
    return sorted(_table_names(introspection, *args, **options), key=lambda name: name in {CHANGE, EDIT, REVISION})


_table_names = BaseDatabaseIntrospection.django_table_names
BaseDatabaseIntrospection.django_table_names = empty_history_last  # type: ignore[method-assign]


@receiver(post_migrate)
def leave_history_unguarded(using: str, **_: Any) -> None:
    """Tests of this process empty their database, history and records too. Sites that tests start keep the guard."""
    append_only_records.remove(connections[using])
    if connections[using].introspection.table_names() and install.missing_history_triggers(connections[using]) == []:
        append_only_history.remove(connections[using])


def need(what: str, is_there: bool) -> None:
    """Skip a test whose server is missing; in CI that is a failure."""
    if is_there:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it.")
    pytest.skip(f"{what} is not running here.")


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """The second run, of what depends on the database, need not import the other files."""
    if os.environ.get("TEST_DATABASE_URL") and collection_path.suffix == ".py":
        return "pytest.mark.database" not in collection_path.read_text(encoding="utf-8") or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What has a database of its own, on both, ran in the first run."""
    if os.environ.get("TEST_DATABASE_URL"):
        done = [item for item in items if "fresh_database" in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=done)
        items[:] = [item for item in items if item not in done]


def pytest_unconfigure() -> None:
    warm_python.close()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The database that tests of this process share, made once and put back after each of them."""
    with django_db_blocker.unblock():
        clean_database.remember()
        connection.close()


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """An authorization server on a real socket."""
    running = Issuer()
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, to be copied."""
    path = tmp_path_factory.mktemp("template") / "db.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


def migrate(database_url: str, *arguments: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.site_settings",
        "SITE_SECRET_KEY": "a-secret-key-that-is-used-by-the-tests-and-nowhere-else",
        "SITE_DATABASE_URL": database_url,
        "SITE_LOCAL_ISSUER": "true",
    }
    warm_python.run(["migrate", "-v0", *arguments], environment).check_returncode()


@pytest.fixture(scope="session")
def migrated_postgresql() -> Iterator[str]:
    """A migrated PostgreSQL database, to be used as a template; its name."""
    name = f"template_{os.getpid()}"
    with _postgresql() as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate(postgresql_url(name))
    yield name
    with _postgresql() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _postgresql() -> "psycopg.Connection[Any]":
    need("PostgreSQL (TEST_POSTGRES_URL; `make test` starts one)", bool(POSTGRES_URL))
    return psycopg.connect(POSTGRES_URL, autocommit=True, connect_timeout=30)


def postgresql_url(name: str) -> str:
    return POSTGRES_URL.rpartition("/")[0] + f"/{name}"


@pytest.fixture
def fresh_sqlite(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database of this test alone."""
    return copy_sqlite(migrated_sqlite, tmp_path)


def copy_sqlite(template: Path, directory: Path) -> str:
    shutil.copy(template, directory / "db.sqlite3")
    return f"sqlite:///{directory / 'db.sqlite3'}"


@pytest.fixture
def fresh_postgresql(migrated_postgresql: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of this test alone."""
    with copy_postgresql(migrated_postgresql) as url:
        yield url


@contextmanager
def copy_postgresql(template: str) -> Iterator[str]:
    """The URL of a copy of a database, which goes with the block."""
    name = f"test_{os.getpid()}_{os.urandom(4).hex()}"
    with _postgresql() as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield postgresql_url(name)
    with _postgresql() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh_database(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database of this test alone, once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"fresh_{request.param}")
    return url


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A Redis server that tests share; one that breaks it starts its own."""
    need("redis-server", redis_server.program() is not None)
    with RedisServer() as running:
        yield running


@pytest.fixture(scope="session")
def nginx() -> None:
    """For tests that put nginx in front of workers."""
    need("nginx", round_robin.program() is not None)


@pytest.fixture
def start_site(issuer: Issuer) -> Iterator[Callable[..., Site]]:
    """Start sites that trust the test issuer; they are stopped after the test."""
    started: list[Site] = []

    def start(database_url: str, **environment: str) -> Site:
        site = Site(database_url, issuer, **environment)
        started.append(site)
        return site.start()

    yield start
    for site in started:
        site.stop()
