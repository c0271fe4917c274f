"""The text of a search, taken apart: `alice tool:weather_*,TimeTool -decision:allowed since:2d`. Pure.

Knows nothing of what the qualifiers mean. Any text gives a result; what is wrong with it stands in ``problems``.
"""

import re
from dataclasses import dataclass, field

LONGEST = 1_000
MOST_TERMS = 20
MOST_VALUES = 50
_QUALIFIER = re.compile(r"(-?)([A-Za-z][A-Za-z_]*):")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_BARE_VALUE = re.compile(r'[^\s,"]+')
_BARE_WORD = re.compile(r"\S+")
_SPACE = re.compile(r"\s*")
# No database and no JSON has them.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Term:
    """`qualifier:value,value`: one of the values is to fit, or with a hyphen before it none."""

    qualifier: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All terms hold at once. ``words`` are what stands without a qualifier, with a space between."""

    words: str = ""
    terms: tuple[Term, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Read:
    """What was read so far, and up to where."""

    text: str
    at: int = 0
    words: list[str] = field(default_factory=list)
    terms: list[Term] = field(default_factory=list)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    @property
    def next(self) -> str:
        return self.text[self.at : self.at + 1]


class _Problem(Exception):
    """Why the text cannot be read any further."""


def parse(text: str) -> Query:
    """Take a search apart. It never raises; where there are problems, nothing else of the result is to be used."""
    read = _Read(text)
    try:
        _check(text)
        while read.take(_SPACE) and read.next:
            _item(read)
        if len(read.terms) > MOST_TERMS:
            raise _Problem(f"A search has {MOST_TERMS} qualifiers at most.")
    except _Problem as problem:
        return Query(problems=(str(problem),))
    return Query(" ".join(read.words), tuple(read.terms))


def _check(text: str) -> None:
    if len(text) > LONGEST:
        raise _Problem(f"A search has {LONGEST:,} characters at most.")
    if _UNUSABLE.search(text):
        raise _Problem("The search has a character that no record has. Type it anew.")


def _item(read: _Read) -> None:
    if found := read.take(_QUALIFIER):
        name = found[2].lower()
        read.terms.append(Term(name, _values(read, name), negated=bool(found[1])))
    elif read.next == '"':
        read.words.append(_quoted(read))
    else:
        word = read.take(_BARE_WORD)
        assert word is not None  # Something that is no space comes next.
        read.words.append(word[0])


def _values(read: _Read, name: str) -> tuple[str, ...]:
    values = [_value(read, name)]
    while read.next == ",":
        read.at += 1
        values.append(_value(read, name))
    if read.next and not read.next.isspace():
        raise _Problem(f"In {name}: quotation marks go round a whole value, with a space or a comma after it.")
    if len(values) > MOST_VALUES:
        raise _Problem(f"{name}: has more than {MOST_VALUES} values.")
    return tuple(values)


def _value(read: _Read, name: str) -> str:
    found = _quoted(read) if read.next == '"' else read.take(_BARE_VALUE)
    value = found if isinstance(found, str) or found is None else found[0]
    if not value:
        raise _Problem(f"A value is missing after {name}: — write it without a space, as in {name}:value.")
    return value


def _quoted(read: _Read) -> str:
    found = read.take(_QUOTED)
    if found is None:
        raise _Problem("A quotation mark is not closed.")
    return _ESCAPE.sub(r"\1", found[1])


def written(query: Query) -> str:
    """A text that is read as this query."""
    words = [_as_word(query.words)] if query.words else []
    return " ".join([*words, *map(_as_term, query.terms)])


def _as_term(term: Term) -> str:
    values = ",".join(value if _BARE_VALUE.fullmatch(value) else _in_quotes(value) for value in term.values)
    return f"{'-' * term.negated}{term.qualifier}:{values}"


def _as_word(words: str) -> str:
    plain = not _QUALIFIER.match(words) and '"' not in words and _BARE_WORD.fullmatch(words)
    return words if plain else _in_quotes(words)


def _in_quotes(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
