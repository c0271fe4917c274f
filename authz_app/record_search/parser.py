"""Parses the text of a search: `alice tool:weather_*,TimeTool -decision:allowed since:2d`. Pure.

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


class SearchError(Exception):
    """Raised for a search without a meaning. ``str()`` tells the person what to do."""


@dataclass(frozen=True, slots=True)
class Term:
    """One `qualifier:value,value`: one of the values has to fit; none of them where it is ``negated`` by a hyphen."""

    qualifier: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Parsed search. All terms hold at once. ``words`` stand without a qualifier, joined by spaces."""

    words: str = ""
    terms: tuple[Term, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reader:
    """Reads a text from left to right, and keeps what it found."""

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


def parse(text: str) -> Query:
    """Parse a search. It never raises; where there are problems, nothing else of the result is to be used."""
    reader = _Reader(text)
    try:
        _check(text)
        while reader.take(_SPACE) and reader.next:
            _item(reader)
        if len(reader.terms) > MOST_TERMS:
            raise SearchError(f"A search has {MOST_TERMS} qualifiers at most.")
    except SearchError as problem:
        return Query(problems=(str(problem),))
    return Query(" ".join(reader.words), tuple(reader.terms))


def _check(text: str) -> None:
    if len(text) > LONGEST:
        raise SearchError(f"A search has {LONGEST:,} characters at most.")
    if _UNUSABLE.search(text):
        raise SearchError("The search has a character that no record has. Type it anew.")


def _item(reader: _Reader) -> None:
    if found := reader.take(_QUALIFIER):
        name = found[2].lower()
        reader.terms.append(Term(name, _values(reader, name), negated=bool(found[1])))
    elif reader.next == '"':
        reader.words.append(_quoted(reader))
    else:
        word = reader.take(_BARE_WORD)
        assert word is not None  # Something that is no space comes next.
        reader.words.append(word[0])


def _values(reader: _Reader, name: str) -> tuple[str, ...]:
    values = [_value(reader, name)]
    while reader.next == ",":
        reader.at += 1
        values.append(_value(reader, name))
    if reader.next and not reader.next.isspace():
        raise SearchError(f"In {name}: quotation marks go round a whole value, with a space or a comma after it.")
    if len(values) > MOST_VALUES:
        raise SearchError(f"{name}: has more than {MOST_VALUES} values.")
    return tuple(values)


def _value(reader: _Reader, name: str) -> str:
    found = _quoted(reader) if reader.next == '"' else reader.take(_BARE_VALUE)
    value = found if isinstance(found, str) or found is None else found[0]
    if not value:
        raise SearchError(f"A value is missing after {name}: — write it without a space, as in {name}:value.")
    return value


def _quoted(reader: _Reader) -> str:
    found = reader.take(_QUOTED)
    if found is None:
        raise SearchError("A quotation mark is not closed.")
    return _ESCAPE.sub(r"\1", found[1])


def written(query: Query) -> str:
    """Write a text that is parsed to this query."""
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
