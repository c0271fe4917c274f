"""Matches globs as rules write them: ``*``, ``?`` and ``[...]``, case-sensitive, over the whole text. Pure."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

WILDCARDS = frozenset("*?[")
_STAR = "*"
# How many steps a search may take; one that would take more is given up. A step takes about a microsecond.
_MOST_STEPS = 50_000
# So many pieces are asked whether they take a character in the time of a step.
_LOOK_UPS = 4


def matches(pattern: str, text: str) -> bool:
    """Whether the glob matches the whole text."""
    return _compiled(pattern).match(text) is not None


@lru_cache(maxsize=16_384)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))


def escaped(text: str) -> str:
    """A glob that matches this text alone."""
    return re.sub(r"[*?[]", r"[\g<0>]", text)


class CommonText(NamedTuple):
    """A text, or None if there is none or its search takes too many steps; and the steps taken, cached or not."""

    text: str | None
    steps: int


@lru_cache(maxsize=4_096)
def common_text(wanted: tuple[str, ...], unwanted: tuple[str, ...]) -> CommonText:
    """Search a text that all wanted globs match, and no unwanted one.

    Exact, unless it takes too many steps: each glob is followed as the automaton that it is, over one character for
    each class of characters that the globs tell apart.
    """
    automata = [_Automaton(pattern) for pattern in (*wanted, *unwanted)]
    alphabet = _alphabet("".join((*wanted, *unwanted)))
    # To look up which pieces take a character is a step for each piece.
    steps = len(alphabet) * sum(automaton.size for automaton in automata)
    if steps > _MOST_STEPS * _LOOK_UPS:
        return CommonText(None, _MOST_STEPS)
    steps //= _LOOK_UPS

    def accepts(state: tuple[int, ...]) -> bool:
        ends = [automaton.accepts(at) for automaton, at in zip(automata, state, strict=True)]
        return all(ends[: len(wanted)]) and not any(ends[len(wanted) :])

    start = tuple(automaton.start for automaton in automata)
    reached = {start: ""}
    waiting = [start]
    for state in waiting:  # grows while it is read: breadth first, so the text is a shortest one
        if accepts(state):
            return CommonText(reached[state], steps)
        for character in alphabet:
            steps += len(automata)
            if steps > _MOST_STEPS:
                return CommonText(None, steps)
            after = tuple(automaton.after(at, character) for automaton, at in zip(automata, state, strict=True))
            # Where a wanted glob has failed, it has failed for good.
            if after not in reached and all(after[: len(wanted)]):
                reached[after] = reached[state] + character
                waiting.append(after)
    return CommonText(None, steps)


class _Automaton:
    """A glob as a nondeterministic automaton; a set of its positions is an integer with one bit for each."""

    def __init__(self, pattern: str) -> None:
        self._pieces = tuple(_pieces(pattern))
        self._stars = sum(1 << at for at, piece in enumerate(self._pieces) if piece == _STAR)
        self.size = len(self._pieces)
        self._end = 1 << self.size
        self._taking: dict[str, int] = {}
        self.start = self._past_stars(1)

    def accepts(self, at: int) -> bool:
        return bool(at & self._end)

    def after(self, at: int, character: str) -> int:
        taking = self._taking.get(character)
        if taking is None:
            taking = self._taking[character] = sum(
                1 << number for number, piece in enumerate(self._pieces) if piece != _STAR and matches(piece, character)
            )
        return self._past_stars((at & taking) << 1 | at & self._stars)

    def _past_stars(self, at: int) -> int:
        while (further := at | (at & self._stars) << 1) != at:
            at = further
        return at


def _pieces(pattern: str) -> Iterator[str]:
    """The glob in pieces: a star, or what stands for exactly one character. Brackets close as `fnmatch` has it."""
    at = 0
    while at < len(pattern):
        end = at + 1
        if pattern[at] == "[":
            close = pattern.find("]", at + 2 + (pattern[at + 1 : at + 2] == "!"))
            end = close + 1 if close > 0 else end
        yield pattern[at:end]
        at = end


def _alphabet(characters: Sequence[str]) -> list[str]:
    """One character of each class that these characters, and ranges between them, tell apart; the plainest first."""
    borders = {0} | {code for character in characters for code in (ord(character), ord(character) + 1)}
    # No JSON text has half a surrogate pair.
    codes = {0xE000 if 0xD800 <= code < 0xE000 else code for code in borders if code <= 0x10FFFF}
    return sorted(map(chr, codes), key=lambda character: (not (character.isascii() and character.isalnum()), character))
