"""The servers of one run, ready to be started: this one, bare and crowded, alone and in pairs; and the reference."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.errors import NotMeasured
from tests.bench.processes import ServerProcess
from tests.bench.wire import HOST
from tests.issuer import AUDIENCE, Issuer
from tests.redis import RedisServer, program
from tests.site import free_port


@dataclass(frozen=True, slots=True)
class Servers:
    """Makes servers that trust the issuer, and log into the directory; the reference remembers tokens or not."""

    issuer: Issuer
    directory: Path
    remembering_reference: bool = False

    def environment(self, database_url: str, tools: int = 0, **settings: str) -> dict[str, str]:
        """The environment of a site on this database, with this many tools beside `echo`."""
        trusted = [{"issuer": self.issuer.url, "audiences": [AUDIENCE], "jwks_uri": f"{self.issuer.url}/jwks.json"}]
        chosen = {
            "SECRET_KEY": "a-secret-key-that-is-used-by-the-bench-and-nowhere-else",
            "PUBLIC_URL": f"http://{HOST}",
            "DATABASE_URL": database_url,
            "REDIS_URL": "",
            "TRUSTED_ISSUERS": json.dumps(trusted),
            **settings,
        }
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
            "PYTHONUNBUFFERED": "1",
            "BENCH_TOOLS": str(max(tools - 1, 0)),
            **{f"SITE_{name}": value for name, value in chosen.items()},
        }

    def ours(self, name: str, environment: Mapping[str, str]) -> ServerProcess:
        """This server."""
        port = free_port()
        return self._process(name, [sys.executable, "manage.py", "serve", "--port", str(port)], environment, port)

    def reference(self) -> ServerProcess:
        """The SDK's own server."""
        port = free_port()
        command = [sys.executable, "-m", "tests.bench.reference", str(port)]
        command += ["--remember-tokens"] if self.remembering_reference else []
        return self._process(
            "The reference", command, self.environment(f"sqlite:///{self.directory}/none.sqlite3"), port
        )

    def _process(self, name: str, command: list[str], environment: Mapping[str, str], port: int) -> ServerProcess:
        return ServerProcess(name, command, environment, port, self.directory / f"{port}.log")


@contextmanager
def redis_url() -> Iterator[str]:
    """The URL of a Redis server: one of the bench's own, or else REDIS_URL's.

    Raises:
        NotMeasured: there is neither.
    """
    if program() is not None:
        with RedisServer() as server:
            yield server.url
    elif os.environ.get("REDIS_URL"):
        yield os.environ["REDIS_URL"]
    else:
        raise NotMeasured("redis-server is not installed, and REDIS_URL is not set.")
