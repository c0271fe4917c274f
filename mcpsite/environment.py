"""Reads settings from the environment, which `.env` fills up, and says in a sentence what is wrong with one of them.

A sentence never holds a value: it may be a password that stands in the wrong place.
"""

import difflib
import json
import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from mcpsite.env_file import Assignment, EnvFileError, parse

# What else `.env` may set for programs of this site: the client for the terminal, and outgoing requests.
_OTHERS = (
    *("MCP_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"),
    *("CURL_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1", "t", "y"), True),
    **dict.fromkeys(("false", "no", "off", "0", "f", "n"), False),
}
# At most 15 digits, alone or in groups of three with one separator throughout.
_WHOLE = re.compile(r"\+?(?:[0-9]{1,15}|[0-9]{1,3}([ \u00a0\u202f_,])[0-9]{3}(?:\1[0-9]{3}){0,3})")
_NO_DIGIT = re.compile(r"[^0-9]")
_SECONDS = re.compile(r"\+?([0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})\s*([a-z]*)")
_JSON_LIST = re.compile(r"\[\s*[\"\]]")
_TWO_URLS = re.compile(r"://.*\s.*://")
_UNITS = {
    **dict.fromkeys(("", "s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3_600.0),
    **dict.fromkeys(("d", "day", "days"), 86_400.0),
    "ms": 0.001,
}
_NEAR = 0.85


class SettingError(SystemExit):
    """A setting cannot be used as it stands. It ends the program with the sentence that says so, and exit code 1."""


class Settings:
    """The settings there are: by name, their kind, their default and the least number that makes sense.

    Kinds are bool, int, float (seconds), list (of texts, separated by commas) and str. An empty value is the default.
    ``doubts`` are sentences about what `.env` holds that may be a mistake.
    """

    def __init__(self, **scheme: tuple[Any, ...]) -> None:
        self.scheme = scheme
        self.doubts: list[str] = []
        self._environ: MutableMapping[str, str] = {}
        self._file, self._lines = Path(), dict[str, int]()

    def read(self, environ: MutableMapping[str, str], file: Path, *, must_exist: bool = False) -> None:
        """Use ``environ`` from now on, after adding what it has not got and ``file`` has.

        Raises:
            SettingError: there is such a file, and it cannot be read, or a line of it is not understood.
        """
        self._environ, self._file = environ, file
        for name in {*self.scheme, *_OTHERS} & environ.keys():
            environ[name] = _unquoted(environ[name])
        assignments = _read(file, must_exist)
        self.doubts = [*self._twice(assignments), *self._unknown(assignments)]
        for name, assignment in {one.name: one for one in assignments}.items():
            if name not in environ:
                environ[name], self._lines[name] = assignment.value, assignment.line

    def __call__(self, name: str, use: Callable[[Any], Any] | None = None) -> Any:
        """The value of a setting, as ``use`` makes it. What ``use`` says in a ValueError follows the setting's name.

        Raises:
            SettingError: it is not of its kind, or ``use`` refuses it.
        """
        value = self._value(name)
        try:
            return value if use is None else use(value)
        except ValueError as error:
            raise self._error(name, str(error)) from None

    def _value(self, name: str) -> Any:
        kind, default, *least = self.scheme[name]
        text = self._environ.get(name, "").strip()
        if not text:
            return default
        try:
            return _at_least(least[0] if least else _LEAST.get(kind), _KINDS[kind](text))
        except ValueError as error:
            raise self._error(name, f"must be {error}") from None

    def _error(self, name: str, fault: str) -> SettingError:
        where = f" (line {self._lines[name]} of {self._file})" if name in self._lines else ""
        return SettingError(f"The setting {name}{where} {fault}.")

    def _twice(self, assignments: list[Assignment]) -> list[str]:
        last = {one.name: one for one in assignments}
        return [
            f"Line {one.line} of {self._file} sets {one.name}, and line {last[one.name].line} sets it again, to"
            " something else. The last one counts: delete the other."
            for one in assignments
            if one.value != last[one.name].value
        ]

    def _unknown(self, assignments: list[Assignment]) -> list[str]:
        return [
            f"Line {one.line} of {self._file} sets {one.name}, which is no setting of this site. Did you mean {near}?"
            for one in assignments
            if (near := self._near(one.name))
        ]

    def _near(self, name: str) -> str:
        """The setting that was probably meant by a name that is none."""
        known = [*self.scheme, *_OTHERS]
        if name in known or name.lower() in {"http_proxy", "https_proxy", "no_proxy"}:
            return ""
        found = difflib.get_close_matches(name.upper().removeprefix("DJANGO_"), known, 1, _NEAR)
        return found[0] if found else ""


def _read(file: Path, must_exist: bool) -> list[Assignment]:
    reason = ""
    try:
        return parse(file.read_bytes())
    except FileNotFoundError:
        if not must_exist:
            return []
        reason = "there is no such file"
    except OSError as error:
        reason = error.strerror or "it cannot be opened"
    except EnvFileError as error:
        raise SettingError(f"{file}: {error}. It is not shown, for it may hold a secret.") from None
    raise SettingError(f"{file} cannot be read: {reason}. ENV_FILE=/dev/null does without a file.")


def _unquoted(text: str) -> str:
    """``text`` without quotes round it: `docker run --env-file` takes them for a part of the value."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _boolean(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError("true or false") from None


def _at_least(least: float | None, value: Any) -> Any:
    if least is not None and value < least:
        raise ValueError(f"at least {least}")
    return value


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError("a whole number")
    return int(_NO_DIGIT.sub("", text))


def _seconds(text: str) -> float:
    found = _SECONDS.fullmatch(text.lower())
    if found is None or found[2] not in _UNITS:
        raise ValueError("a number of seconds, such as 30, or 30s, 5m, 1h")
    return float(found[1]) * _UNITS[found[2]]


def _list(text: str) -> list[str]:
    """Items separated by commas, or a JSON list of them."""
    items: Any = text.split(",")
    if _JSON_LIST.match(text):
        try:
            items = json.loads(text)
        except ValueError:
            items = [None]
    if not all(isinstance(item, str) and not _TWO_URLS.search(item) for item in items):
        raise ValueError("a list, separated by commas")
    return [item for item in map(_unquoted, items) if item]


_KINDS: dict[Any, Callable[[str], Any]] = {bool: _boolean, int: _whole, float: _seconds, list: _list, str: str}
# What a number is at least, where the setting does not say so itself: seconds may be few, and not none.
_LEAST: dict[Any, float] = {int: 1, float: 0.001}
