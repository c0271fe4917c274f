"""Parses a `.env` file. A line that is not understood is an error that names its number, and never what it holds.

Understood is what people write: spaces round `=`, `export`, quotes, lines that end in CRLF, a byte order mark, comments
after white space. Nothing is expanded: `$` and `{}` are characters like others. A value in quotes may span lines.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_IGNORED = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")
_NAME = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][A-Za-z0-9_]*)[^\S\n]*=")
_END = r"[^\S\n]*(?:\n|\Z|[^\S\n]#[^\n]*(?:\n|\Z))"
_SINGLE = re.compile(rf"[^\S\n]*'([^']*)'{_END}")
_DOUBLE = re.compile(rf'[^\S\n]*"((?:[^"\\]|\\.)*)"{_END}', re.DOTALL)
# JSON between quotes that are in it too: a shell would break it, and what it means is plain.
_JSON = re.compile(rf"[^\S\n]*(?P<quote>[\"'])(?P<value>[\[{{][^\n]*[\]}}])(?P=quote){_END}")
_REST = re.compile(r"([^\n]*)(?:\n|\Z)")
_COMMENT = re.compile(r"\s#.*")
_ESCAPED = re.compile(r"\\([\\\"$`nrt])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ENCODINGS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_NO_PAIR = "is neither NAME=value nor a comment"
_QUOTES = "begins a value with a quote, and does not end it with the same quote"


class EnvFileError(ValueError):
    """A line of the file is not understood. ``str()`` continues a sentence that begins with the file."""

    def __init__(self, line: int, fault: str) -> None:
        super().__init__(f"line {line} {fault}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `NAME=value`, and the number of the line where it begins."""

    line: int
    name: str
    value: str = field(repr=False)


def parse(content: bytes) -> list[Assignment]:
    """The assignments of a file, in their order.

    Raises:
        EnvFileError: a line is not understood.
    """
    return list(_assignments(_text(content)))


def _text(content: bytes) -> str:
    encoding = next((name for mark, name in _ENCODINGS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EnvFileError(line, "has characters that are no UTF-8") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _assignments(text: str) -> Iterator[Assignment]:
    at, line = 0, 1
    while at < len(text):
        end = at
        if ignored := _IGNORED.match(text, at):
            end = ignored.end()
        else:
            name, value, end = _assignment(text, at, line)
            yield Assignment(line, name, value)
        line += text.count("\n", at, end)
        at = end


def _assignment(text: str, at: int, line: int) -> tuple[str, str, int]:
    named = _NAME.match(text, at)
    if named is None:
        raise EnvFileError(line, _NO_PAIR)
    value, end = _value(text, named.end(), line)
    if "\0" in value:
        raise EnvFileError(line, "has a NUL character")
    return named[1], value, end


def _value(text: str, at: int, line: int) -> tuple[str, int]:
    if quoted := _SINGLE.match(text, at):
        return quoted[1], quoted.end()
    if quoted := _DOUBLE.match(text, at):
        return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), quoted[1]), quoted.end()
    if quoted := _JSON.match(text, at):
        return quoted["value"], quoted.end()
    rest = _REST.match(text, at)
    assert rest is not None
    if rest[1].lstrip().startswith(("'", '"')):
        raise EnvFileError(line, _QUOTES)
    return _COMMENT.sub("", rest[1]).strip(), rest.end()
