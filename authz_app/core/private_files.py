"""Write files that only their owner may read, and notice files that others can read."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from django.conf import settings


def create_private(path: Path, content: bytes) -> None:
    """Write a new private file, unless another process has done so meanwhile.

    Raises:
        OSError: it cannot be written.
    """
    keep_private(path.parent)
    temporary = _written(path, content)
    try:
        # A link, unlike a rename, never replaces: whoever comes second uses the file of the first.
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def replace_private(path: Path, content: bytes) -> None:
    """Write a private file in place of the one that is there, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    os.replace(_written(path, content), path)


def _written(path: Path, content: bytes) -> str:
    # mkstemp's file is readable by its owner alone from the first moment.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.stem}-", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def keep_private(directory: Path) -> None:
    """Make a directory that is closed to others. One that is there is closed if it is this site's own (DATA_DIR)."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A setting may name a file in any directory: /tmp and /etc must stay as they are.
    if directory == Path(settings.DATA_DIR) and directory.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        # A mounted volume may belong to somebody else; the file itself is private in any case.
        with suppress(PermissionError):
            directory.chmod(0o700)


def others_can_read(found: os.stat_result) -> bool:
    return bool(found.st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def others_can_reach(path: Path) -> bool:
    """Whether there is a file that its group or others can read, with no directory above it that is closed to them."""
    try:
        found = path.stat()
        above = [parent.stat().st_mode for parent in path.resolve().parents]
    except OSError:
        return False
    if not stat.S_ISREG(found.st_mode):
        return False
    classes = ((stat.S_IRGRP, stat.S_IXGRP), (stat.S_IROTH, stat.S_IXOTH))
    return any(found.st_mode & read and all(mode & enter for mode in above) for read, enter in classes)
