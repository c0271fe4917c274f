"""Reads DATABASE_URL and REDIS_URL. A password may have any character: where the URL can mean one thing only, it does.

A fault never repeats the URL, because a password stands in it.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import environ

SQLITE = "django.db.backends.sqlite3"
DATABASE_FORMS = "must be like sqlite:///path or postgres://user:password@host:5432/name"
REDIS_FORMS = "must be like redis://:password@host:6379/0, or rediss:// for TLS"
_ENCODE = "; write @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"

_SCHEME = r"(?P<scheme>[A-Za-z0-9]+)(?:\+[A-Za-z0-9_]+)?://"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._%-]*)(?::[0-9]{1,5})?"
_HOSTS = rf"(?P<hosts>{_HOST}(?:,{_HOST})*)"
# As it should be written; and with a password that should have been encoded, which ends at the last @.
_STRICT = re.compile(rf"{_SCHEME}(?:(?P<user>[^/?#]*)@)?{_HOSTS}(?P<path>/[^?#@]*)?(?:\?(?P<query>[^#]*))?")
_LENIENT = re.compile(rf"{_SCHEME}(?P<user>.*)@{_HOSTS}(?P<path>/[^?#@]*)?(?:\?(?P<query>[^#@]*))?")
_PORT = re.compile(r":([0-9]+)(?:,|$)")
_SQLITE = re.compile(r"sqlite3?(?:\+[a-z]+)?:///(?P<path>[^?]+)", re.IGNORECASE)
_POSTGRESQL = {"postgres", "postgresql", "psql", "pgsql"}
_REDIS = {"redis", "rediss"}


class _Parts(NamedTuple):
    scheme: str
    user: str
    hosts: str
    path: str
    query: str

    @property
    def url(self) -> str:
        """The URL with everything encoded that should be."""
        name, colon, password = self.user.partition(":")
        user = f"{_encoded(name)}{colon}{_encoded(password)}@" if self.user else ""
        return f"{self.scheme}://{user}{self.hosts}{self.path}{f'?{self.query}' if self.query else ''}"


def database(text: str, directory: Path) -> dict[str, Any]:
    """What Django's DATABASES says of the database at a URL; a relative path of SQLite lies in ``directory``.

    Raises:
        ValueError: it is none; ``str()`` says what is wrong, continuing a sentence that begins with the setting.
    """
    if text.lower().startswith("sqlite"):
        return {"ENGINE": SQLITE, "NAME": str(directory / _sqlite_path(text))}
    parts = _parts(text, _POSTGRESQL, lambda found: found.path.strip("/"))
    if parts is None:
        raise ValueError(DATABASE_FORMS + _ENCODE * ("@" in text))
    url = parts._replace(scheme="postgres", path=parts.path.rstrip("/")).url
    found: dict[str, Any] = environ.Env.db_url_config(url)
    if "%" in parts.hosts:  # The directory of a socket.
        found["HOST"] = unquote(parts.hosts)
    return found


def _sqlite_path(text: str) -> str:
    found = _SQLITE.fullmatch(text)
    if found is None or found["path"].strip("/") in ("", ":memory:"):
        raise ValueError(
            "must name a file, like sqlite:///var/db.sqlite3, with four slashes where the path begins at the root."
            " Options and databases in memory are not served"
        )
    return unquote(found["path"])


def redis(text: str) -> str:
    """The URL of a Redis server, as the libraries take it; "" where there is none.

    Raises:
        ValueError: it is none; ``str()`` says what is wrong, continuing a sentence that begins with the setting.
    """
    if not text or re.match(r"unix://[^?]*/", text):
        return text
    parts = _parts(text, _REDIS, lambda found: bool(found.hosts) and re.fullmatch(r"/?[0-9]{0,5}/?", found.path))
    if parts is None or "," in parts.hosts:
        raise ValueError(REDIS_FORMS + _ENCODE * ("@" in text))
    return parts._replace(path=parts.path.rstrip("/")).url


def _parts(text: str, schemes: set[str], complete: Callable[[_Parts], object]) -> _Parts | None:
    for form in (_STRICT, _LENIENT):
        if (found := form.fullmatch(text)) is None:
            continue
        parts = _Parts(found["scheme"].lower(), *(found[name] or "" for name in ("user", "hosts", "path", "query")))
        ports = map(int, _PORT.findall(parts.hosts))
        if parts.scheme in schemes and complete(parts) and all(0 < port < 65_536 for port in ports):
            return parts
    return None


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="")
