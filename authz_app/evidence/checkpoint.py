"""The last seal that this machine knows of, kept beside the key and so outside the database.

Whoever cuts off the newest seals and their records in the database leaves this, and the lines of the log.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.core.private_files import create_private, replace_private
from authz_app.core.sqlite_file import sqlite_path
from authz_app.evidence.keys import key_path


@dataclass(frozen=True, slots=True)
class Head:
    """A seal's number, and the digest of its statement."""

    number: int
    digest: str


def head_path(connection: BaseDatabaseWrapper) -> Path:
    """One file for each database."""
    host, port, name = (str(connection.settings_dict[part]) for part in ("HOST", "PORT", "NAME"))
    known_as = [connection.vendor, host, port, sqlite_path(name) if connection.vendor == "sqlite" else name]
    return key_path().with_suffix(f".{sha256('|'.join(known_as).encode()).hexdigest()[:12]}.head")


def known_head(connection: BaseDatabaseWrapper) -> Head | None:
    """None: nothing was sealed from here, or it cannot be read."""
    try:
        return Head(**json.loads(head_path(connection).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def keep_head(connection: BaseDatabaseWrapper, head: Head) -> None:
    """Remember a seal.

    Raises:
        OSError: it cannot be written.
    """
    path, content = head_path(connection), json.dumps(asdict(head)).encode()
    if path.exists():
        replace_private(path, content)
    else:
        create_private(path, content)
