"""Ways in which a database breaks. Each is a context: broken within it, mended after it."""

import os
import resource
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.databases import connect, execute
from tests.drills.swallowing import Passage
from tests.postgresql import Cluster
from tests.site import Site

SERVING = "mcp_site"
_TABLES = "authz_app_callrecord, authz_app_auditevent"


@dataclass(frozen=True, slots=True)
class Place:
    """What can be broken. ``url`` is the database past everything that breaks but itself, by a role that may all."""

    url: str
    site: Site
    cluster: Cluster | None = None
    passage: Passage | None = None
    ballast: Path | None = None

    @property
    def file(self) -> Path:
        """Of SQLite."""
        return Path(self.url.removeprefix("sqlite:///"))


Way = Callable[[Place], AbstractContextManager[None]]


@contextmanager
def stopped(place: Place) -> Iterator[None]:
    assert place.cluster is not None
    place.cluster.stop("immediate")
    try:
        yield
    finally:
        place.cluster.start()


@contextmanager
def paused(place: Place) -> Iterator[None]:
    """Every process of the cluster hangs: it takes connections, and answers nobody."""
    assert place.cluster is not None
    place.cluster.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        place.cluster.signal(signal.SIGCONT)


@contextmanager
def partitioned(place: Place) -> Iterator[None]:
    """The network swallows what is sent, in silence."""
    assert place.passage is not None
    place.passage.block()
    try:
        yield
    finally:
        place.passage.open()


@contextmanager
def revoked(place: Place) -> Iterator[None]:
    execute(place.url, f"REVOKE INSERT ON authz_app_callrecord FROM {SERVING}")
    try:
        yield
    finally:
        execute(place.url, f"GRANT INSERT ON authz_app_callrecord TO {SERVING}")


@contextmanager
def locked(place: Place) -> Iterator[None]:
    """Somebody keeps all others from the records."""
    with connect(place.url) as connection:
        connection.execute("BEGIN EXCLUSIVE" if place.cluster is None else "BEGIN")
        if place.cluster is not None:
            connection.execute("LOCK TABLE authz_app_callrecord IN ACCESS EXCLUSIVE MODE")
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


@contextmanager
def exhausted(place: Place) -> Iterator[None]:
    """The role may have no more connections, and loses those that it has."""
    execute(place.url, f"ALTER ROLE {SERVING} CONNECTION LIMIT 0")
    execute(place.url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{SERVING}'")
    try:
        yield
    finally:
        execute(place.url, f"ALTER ROLE {SERVING} CONNECTION LIMIT -1")


@contextmanager
def full_disk(place: Place) -> Iterator[None]:
    """The file system of PostgreSQL's data has not a byte left."""
    assert place.ballast is not None
    with place.ballast.open("wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(65_536))
        except OSError:
            pass
    try:
        yield
    finally:
        place.ballast.unlink()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A directory that is a file system of its own, of so many megabytes, for all users."""
    place = Path(tempfile.mkdtemp(prefix="mcpsite-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "tmpfs", str(place)]
    try:
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("A file system of one's own needs root, and the right to mount.")
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
    finally:
        place.rmdir()


@contextmanager
def no_larger_files(place: Place) -> Iterator[None]:
    """The site's process may write no file beyond a size that its database has long had: its disk is full."""
    before = resource.prlimit(place.site.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(place.site.pid, resource.RLIMIT_FSIZE, (32_768, before[1]))
    try:
        yield
    finally:
        resource.prlimit(place.site.pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(place: Place) -> Iterator[None]:
    """The files take no write, whoever writes. (SQLite's shared memory has to: it is mapped.)"""
    files = [str(place.file), f"{place.file}-wal"]
    if os.geteuid() or subprocess.run(["chattr", "+i", *files], capture_output=True).returncode:
        pytest.skip(
            "Files that refuse writes also from whoever has them open need root, and a file system with chattr."
        )
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *files], check=True)


@contextmanager
def moved_away(place: Place) -> Iterator[None]:
    """Somebody has renamed the file."""
    elsewhere = place.file.with_suffix(".elsewhere")
    place.file.rename(elsewhere)
    try:
        yield
        assert not place.file.exists(), "a new database was made in place of the one that went missing"
    finally:
        elsewhere.rename(place.file)


@contextmanager
def refusing(place: Place) -> Iterator[None]:
    """The database itself refuses every record."""
    if place.cluster is None:
        create = "CREATE TRIGGER refuse BEFORE INSERT ON authz_app_callrecord BEGIN SELECT RAISE(ABORT, 'refused'); END"
        drop = "DROP TRIGGER refuse"
    else:
        create = """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON authz_app_callrecord FOR EACH ROW EXECUTE FUNCTION refuse()"""
        drop = "DROP FUNCTION refuse CASCADE"
    execute(place.url, create)
    try:
        yield
    finally:
        execute(place.url, drop)


ON_POSTGRESQL: dict[str, Way] = {
    "stopped": stopped,
    "paused": paused,
    "partitioned": partitioned,
    "revoked": revoked,
    "locked": locked,
    "exhausted": exhausted,
    "refusing": refusing,
}
ON_SQLITE: dict[str, Way] = {
    "full disk": no_larger_files,
    "read only": read_only,
    "locked": locked,
    "moved away": moved_away,
    "refusing": refusing,
}
