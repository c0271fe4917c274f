"""Find the last seal: in the database, and as this machine remembers it in a file beside its key.

Whoever deletes the newest seals and their records from the database does not reach that file, nor the log.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from authz_app.core.private_files import create_private, replace_private
from authz_app.core.sqlite_file import sqlite_path
from authz_app.evidence.keys import key_path
from authz_app.models import AuditSeal


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The number of a seal, and the digest of its statement."""

    number: int
    digest: str


def checkpoint_path(connection: BaseDatabaseWrapper) -> Path:
    """The file of the checkpoint. Each database has its own."""
    host, port, name = (str(connection.settings_dict[part]) for part in ("HOST", "PORT", "NAME"))
    known_as = [connection.vendor, host, port, sqlite_path(name) if connection.vendor == "sqlite" else name]
    return key_path().with_suffix(f".{sha256('|'.join(known_as).encode()).hexdigest()[:12]}.head")


def known_checkpoint(connection: BaseDatabaseWrapper) -> Checkpoint | None:
    """The seal that this machine remembers; None: it has sealed nothing, or the file cannot be read."""
    try:
        return Checkpoint(**json.loads(checkpoint_path(connection).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def keep_checkpoint(connection: BaseDatabaseWrapper, checkpoint: Checkpoint) -> None:
    """Remember a seal.

    Raises:
        OSError: it cannot be written.
    """
    path, content = checkpoint_path(connection), json.dumps(asdict(checkpoint)).encode()
    if path.exists():
        replace_private(path, content)
    else:
        create_private(path, content)


def last_number(connection: BaseDatabaseWrapper) -> int:
    """The number of the last seal in the database; 0 where there is none."""
    last = last_seal(connection)
    return last.number if last else 0


def last_seal(connection: BaseDatabaseWrapper) -> AuditSeal | None:
    """The last seal in the database, without what it keeps of its records."""
    return AuditSeal.objects.using(connection.alias).defer("members").order_by("-number").first()
