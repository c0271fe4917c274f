"""How much of a call its record holds, and what is taken out of it whatever it looks like. Pure.

A path leads to such a value: names with dots between them, ``customer.iban``. ``*`` stands for any name, and for any
item of a list: ``items.*.card``. A name that has a dot, a space or a quotation mark stands in quotation marks, as a
JSON string.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import orjson

Path = tuple[str, ...]
# What the arguments of a record say of what was asked for where none are recorded; no arguments look like these.
SUBSCRIBED, OF_RESOURCE, OF_PROMPT = '{"subscribe":true}', '{"of":"resource"}', '{"of":"prompt"}'
_SAY_NOTHING_ELSE = ("", SUBSCRIBED, OF_RESOURCE, OF_PROMPT)
_NAME = r'(?:"(?:[^"\\]|\\.)*+"|[^.\s"]++)'
_PATH = re.compile(rf"{_NAME}(?:\.{_NAME})*+")
_NAMES = re.compile(_NAME)
_LONGEST = 300
_MOST = 100


class Level(StrEnum):
    """What is recorded of each call: nothing but who, what, when and how it ended; its arguments; its result too."""

    METADATA = "metadata"
    ARGUMENTS = "arguments"
    RESULT = "result"


def has_arguments(kind: str, arguments: str) -> bool:
    """Whether a record of this kind holds the arguments, be they none. A caller of a tool may send anything as such."""
    return arguments not in _SAY_NOTHING_ELSE if kind in ("resource", "completion") else arguments != ""


class BadPath(ValueError):
    """What was written is no path; the message says why, for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is recorded of the calls of one tool, resource or prompt. What the ``paths`` lead to never is."""

    level: Level = Level.ARGUMENTS
    paths: tuple[Path, ...] = ()


# Also of what nobody knows.
BY_DEFAULT = Recording()


@dataclass(frozen=True, slots=True)
class Choice:
    """What an administrator chose. Without a ``level`` it is the author's; ``paths`` are taken out besides theirs."""

    level: Level | None = None
    paths: tuple[Path, ...] = ()

    def over(self, authors: Recording) -> Recording:
        """What is recorded, where the function's author said this."""
        return Recording(self.level or authors.level, tuple(dict.fromkeys((*authors.paths, *self.paths))))


def choice_of(level: str, paths: str) -> Choice:
    """A choice as it is stored. One that cannot be read is taken for the one that records least."""
    try:
        return Choice(Level(level) if level else None, read_paths(paths.splitlines()))
    except ValueError:
        return Choice(Level.METADATA)


def read_paths(lines: Iterable[str]) -> tuple[Path, ...]:
    """Paths, one a line.

    Raises:
        BadPath: one of them is none, or there are too many.
    """
    paths = tuple(dict.fromkeys(_path(line.strip()) for line in lines if line.strip()))
    if len(paths) > _MOST:
        raise BadPath(f"There are more than {_MOST} paths.")
    return paths


def _path(text: str) -> Path:
    if len(text) > _LONGEST or not _PATH.fullmatch(text):
        raise BadPath(
            f"{text[:100]!r} is no path, such as customer.iban or items.*.card. A name with a dot or a space in it"
            " stands in quotation marks."
        )
    try:
        return tuple(_name(one) for one in _NAMES.findall(text))
    except ValueError as error:
        raise BadPath(f"{text[:100]!r} has something in quotation marks that is no JSON string.") from error


def _name(text: str) -> str:
    return str(orjson.loads(text)) if text.startswith('"') else text


def written(path: Path) -> str:
    """A path as it is written."""
    return ".".join(name if re.fullmatch(r'[^.\s"]+', name) else orjson.dumps(name).decode() for name in path)
