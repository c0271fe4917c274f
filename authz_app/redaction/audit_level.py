"""Says how much of a call its record holds, and what is taken out of it whatever it looks like. Pure.

A path leads to a value that is taken out: names with dots between them, ``customer.iban``. ``*`` stands for any name,
and for any item of a list: ``items.*.card``. A name that has a dot, a space or a quotation mark stands in quotation
marks, as a JSON string.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import orjson

Path = tuple[str, ...]
# Stand in the place of arguments that are not recorded, and name what was asked for; no arguments look like these.
SUBSCRIBED, OF_RESOURCE, OF_PROMPT = '{"subscribe":true}', '{"of":"resource"}', '{"of":"prompt"}'
_NO_ARGUMENTS = ("", SUBSCRIBED, OF_RESOURCE, OF_PROMPT)
_NAME = r'(?:"(?:[^"\\]|\\.)*+"|[^.\s"]++)'
_PATH = re.compile(rf"{_NAME}(?:\.{_NAME})*+")
_NAMES = re.compile(_NAME)
_LONGEST = 300
_MOST = 100


class AuditLevel(StrEnum):
    """How much is recorded of each call: who, what, when and how it ended; its arguments too; its result too."""

    METADATA = "metadata"
    ARGUMENTS = "arguments"
    RESULT = "result"


def has_arguments(kind: str, arguments: str) -> bool:
    """Whether a record of this kind holds the arguments, even if there were none. A tool may be sent any arguments."""
    return arguments not in _NO_ARGUMENTS if kind in ("resource", "completion") else arguments != ""


class BadPath(ValueError):
    """A text is no path; the message says why, for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Recording:
    """How much is recorded of calls of one tool, resource or prompt: never the values that ``paths`` lead to."""

    level: AuditLevel = AuditLevel.ARGUMENTS
    paths: tuple[Path, ...] = ()


# Also for what nobody registered.
DEFAULT_RECORDING = Recording()


@dataclass(frozen=True, slots=True)
class RecordingOverride:
    """An administrator's choice. Without a ``level`` the author's holds; ``paths`` add to the author's."""

    level: AuditLevel | None = None
    paths: tuple[Path, ...] = ()

    def applied_to(self, recording: Recording) -> Recording:
        """The recording that the author of a function asked for, with this choice applied."""
        return Recording(self.level or recording.level, tuple(dict.fromkeys((*recording.paths, *self.paths))))


def override_of(level: str, paths: str) -> RecordingOverride:
    """Read a choice as it is stored. One that cannot be read is taken for the one that records least."""
    try:
        return RecordingOverride(AuditLevel(level) if level else None, read_paths(paths.splitlines()))
    except ValueError:
        return RecordingOverride(AuditLevel.METADATA)


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
