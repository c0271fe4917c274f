"""The stage: a site of two workers with its own PostgreSQL, Redis and issuers; or as much of that as is installed."""

import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests import redis
from tests.databases import execute, rows, rule_for_everybody
from tests.issuer import Issuer
from tests.postgresql import Cluster, binaries
from tests.prove.plants import Plants
from tests.redis import RedisServer
from tests.site import Site, free_port, several_workers

# Seconds. A killed worker's records are unknown this long, and ten seconds of grace, after their calls began.
TOOL_TIME_LIMIT = 5
AUDIT_TIMEOUT = 1
# How long a session waits for a valid token.
SESSION_GRACE = 6
RULED_TOOLS = ("mark", "echo", "wait", "crash", "fail", "weather_tool")
RACED_TOOL = "echo_async"
SCOPED_TOOL, SCOPE = "count_clients", "deploy"
ADMINISTRATOR = "root"


@dataclass(frozen=True)
class Stage:
    """A running site, what it was made of, and everything that was planted in it or heard from it."""

    workers: Sequence[Site]
    issuer: Issuer
    other_issuer: Issuer
    database_url: str
    cluster: Cluster | None
    redis_url: str
    marks: Path
    plants: Plants
    heard: list[str] = field(default_factory=list)
    http: httpx2.AsyncClient = field(
        default_factory=lambda: httpx2.AsyncClient(timeout=30, limits=httpx2.Limits(max_connections=None))
    )

    @property
    def vendor(self) -> str:
        return "postgresql" if self.cluster else "sqlite"

    @property
    def first(self) -> Site:
        return self.workers[0]

    @property
    def other(self) -> Site:
        """Another worker than the first, where there are two."""
        return self.workers[-1]

    @property
    def words(self) -> str:
        """What the stage is made of."""
        name = self.rows("SHOW server_version")[0][0].split()[0] if self.cluster else sqlite3.sqlite_version
        database = f"{'PostgreSQL' if self.cluster else 'SQLite'} {name}"
        return f"two workers, {database} and Redis" if len(self.workers) > 1 else f"one worker on {database}"

    def token(self, subject: str, issuer: Issuer | None = None, **claims: Any) -> str:
        """A fresh access token for this site, which is hunted for in the end."""
        made = (issuer or self.issuer).token(**{"sub": subject, "aud": self.first.audience, **claims})
        return self.plants.note("access tokens", made)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return rows(self.database_url, sql)

    def marked(self, prefix: str) -> Counter[str]:
        """How often the tool ``mark`` ran with each text that begins like this."""
        return Counter(text for text in self.marks.read_text().split() if text.startswith(prefix))

    def hear(self, text: str) -> str:
        """Keep what a caller was told when something was refused or failed."""
        self.heard.append(text)
        return text


@contextmanager
def set_stage(alone: bool = False) -> Iterator[Stage]:
    """Start everything. With ``alone``, one worker on SQLite, whatever is installed here."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mcpsite-prove-")))
        cluster = stack.enter_context(Cluster()) if binaries() and not alone else None
        server = stack.enter_context(RedisServer()) if redis.program() and cluster else None
        issuers = stack.enter_context(Issuer()), stack.enter_context(Issuer())
        plants = Plants()
        database_url = _database_url(cluster, directory, plants)
        settings = _settings(issuers, directory, plants) | {"REDIS_URL": server.url if server else ""}
        _prepare(database_url, settings)
        workers = stack.enter_context(several_workers(2 if server else 1, database_url, issuers[0], **settings))
        yield Stage(workers, *issuers, database_url, cluster, settings["REDIS_URL"], directory / "marks", plants)


def _database_url(cluster: Cluster | None, directory: Path, plants: Plants) -> str:
    if cluster is None:
        return f"sqlite:///{directory / 'db.sqlite3'}"
    password = plants.make("the database's password")
    return cluster.url.replace("postgres@", f"postgres:{password}@")


def _settings(issuers: Sequence[Issuer], directory: Path, plants: Plants) -> dict[str, str]:
    (directory / "marks").touch()
    public_url = f"http://127.0.0.1:{free_port()}"
    trusted = [{"issuer": issuer.url, "audiences": [f"{public_url}/sse"]} for issuer in issuers]
    return {
        "PUBLIC_URL": public_url,
        "TRUSTED_ISSUERS": json.dumps(trusted),
        "SECRET_KEY": plants.make("the site's secret key", 50),
        "OPENWEATHERMAP_API_KEY": plants.make("an API key"),
        "OPENWEATHERMAP_URL": f"http://127.0.0.1:{free_port()}/weather",
        "DJANGO_SUPERUSER_PASSWORD": plants.make("the administrator's password"),
        "MARKS": str(directory / "marks"),
        "TOOL_TIME_LIMIT": str(TOOL_TIME_LIMIT),
        "AUDIT_TIMEOUT": str(AUDIT_TIMEOUT),
        "DRAIN_SECONDS": "1",
        "SESSION_GRACE_SECONDS": str(SESSION_GRACE),
    }


# In one process, because each takes seconds to start.
_PREPARE = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createsuperuser", username="{ADMINISTRATOR}", email="root@example.com", interactive=False)
"""


def _prepare(database_url: str, settings: dict[str, str]) -> None:
    """Migrate the database, make an administrator, and add the rules that the promises are tested with."""
    prepared = Site(database_url, None, **settings).manage("shell", "--command", _PREPARE)
    if prepared.returncode:
        raise RuntimeError(f"The database could not be prepared:\n{prepared.stdout}{prepared.stderr}")
    for tools in ("\n".join(RULED_TOOLS), RACED_TOOL, SCOPED_TOOL):
        rule_for_everybody(database_url, tools)
    execute(database_url, f"UPDATE authz_app_rule SET token_scopes = '{SCOPE}' WHERE tools = '{SCOPED_TOOL}'")
