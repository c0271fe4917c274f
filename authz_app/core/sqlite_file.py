"""Find the file of a SQLite database, keep a new one private, and refuse another than this process opened first.

A file that is moved away while it is open goes on taking writes, which nobody will ever read.
"""

import os
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper

# By path: the device and the inode of the file that this process has opened first.
_opened: dict[str, tuple[int, int]] = {}


def sqlite_path(name: str) -> str:
    """The path in a database's NAME, which may be a URI."""
    return unquote(name.removeprefix("file:").partition("?")[0]) if name.startswith("file:") else name


def keep_new_file_private(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Receive ``connection_created``: take from others what this process has just made, before anything is in it."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or not name.endswith("?mode=rwc"):
        return
    for ending in ("", "-wal", "-shm"):
        # SQLite gives the permissions of the database to what it makes beside it later.
        with suppress(OSError):
            os.chmod(sqlite_path(name) + ending, 0o600)


def refuse_other_file(connection: BaseDatabaseWrapper) -> None:
    """Close the connection when its file is not at its path any more, or another is there instead.

    Raises:
        OperationalError: it was moved, deleted or replaced.
    """
    path = sqlite_path(str(connection.settings_dict["NAME"]))
    try:
        found = os.stat(path)
    except OSError:
        connection.close()
        raise OperationalError("the database file is gone: put it back") from None
    if _opened.setdefault(path, (found.st_dev, found.st_ino)) != (found.st_dev, found.st_ino):
        connection.close()
        raise OperationalError("another file is where the database was: put it back, or start the site anew")
