"""Reads settings that name files: relative to the site's directory, wherever its programs are started."""

import os
from pathlib import Path

_NOWHERE = {"", "off", "no", "none", "false", "0"}
_STDOUT = "stdout"


def file_at(text: str, directory: Path) -> str:
    """The path of a file; `~` is the home of whoever runs the program."""
    return str(directory / Path(text).expanduser())


def lines_go_to(text: str, directory: Path) -> str:
    """`off`, `stdout`, or the path of a file.

    Raises:
        ValueError: it is neither; ``str()`` says so, continuing a sentence that begins with the setting.
    """
    word = text.lower()
    if word in _NOWHERE or word == _STDOUT:
        return _STDOUT if word == _STDOUT else "off"
    if "/" not in text:
        raise ValueError("must be off, stdout, or the path of a file, with a slash in it")
    return file_at(text, directory)


def bundle_at(text: str, directory: Path) -> str:
    """The file, or the directory, of the CAs that outgoing requests trust; empty where none is named.

    Raises:
        ValueError: it cannot be read; ``str()`` says so, continuing a sentence that begins with the setting.
    """
    path = file_at(text, directory) if text else ""
    if path and not os.access(path, os.R_OK):
        raise ValueError("must name a file that can be read: that of the CAs to trust, in PEM form")
    return path
