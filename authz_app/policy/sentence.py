"""Puts a rule in words: one sentence, the same in the list, the form and the records. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from authz_app.policy.condition_syntax import in_words
from authz_app.policy.conditions import PRESENCE, Condition
from authz_app.policy.rule import EVERY_KIND, PERIOD_SECONDS, Limit

_MANY = 5
_VERBS = {"allow": "Allow", "deny": "Deny", "limit": "Limit"}
_PERIODS = {seconds: f"{'an' if period == 'hour' else 'a'} {period}" for period, seconds in PERIOD_SECONDS.items()}


class _Words(NamedTuple):
    """The words for a kind: what a client does with it, and its name after "the", after "every" and in the plural."""

    action: str
    one: str
    each: str
    several: str


_WORDS = {
    "tool": _Words("call", "tool", "tool", "tools"),
    "resource": _Words("read", "resource", "resource", "resources"),
    "prompt": _Words("use", "prompt", "prompt", "prompts"),
    EVERY_KIND: _Words("use", "tool, resource or prompt", "tool, resource and prompt", "tools, resources and prompts"),
}


class Terms(NamedTuple):
    """The terms of a rule. ``clients`` are names, None for every client; ``tools`` are names of the ``kind``.

    ``begins`` and ``ends`` are in seconds since the epoch.
    """

    effect: str
    kind: str
    clients: Sequence[str] | None
    token_scopes: Sequence[str]
    tools: Sequence[str]
    conditions: Sequence[Condition] = ()
    begins: float | None = None
    ends: float | None = None
    limit: Limit | None = None
    listed_without_scopes: bool = False


def rule_sentence(terms: Terms) -> str:
    """Say what a rule does. Characters in names and values that cannot be seen are spelled out.

    >>> rule_sentence(Terms("allow", "tool", clients=["Demo"], token_scopes=["time"], tools=["TimeTool"]))
    'Allow Demo to call TimeTool, with the token scope time.'
    >>> rule_sentence(Terms("deny", "resource", clients=None, token_scopes=[], tools=["order"]))
    'Deny every client to read the resource order.'
    >>> rule_sentence(Terms("limit", "tool", None, [], ["echo"], limit=Limit(100, 60)))
    'Limit every client to 100 calls of echo a minute.'
    >>> rule_sentence(Terms("allow", "tool", None, ["a"], ["echo"], listed_without_scopes=True))
    'Allow every client to call echo, with the token scope a; listed also to those who lack only the scope.'
    """
    verb = _VERBS[terms.effect]
    if terms.clients is not None and not terms.clients:
        return f"{verb} nobody: no client is named."
    if not terms.tools:
        return f"{verb} nothing: no {_WORDS[terms.kind].one} is named."
    clauses = ", ".join([_main_clause(verb, terms), *_scopes(terms), *_conditions(terms)])
    return _seen(f"{clauses}{_window(terms)}{_listing(terms)}.")


def _seen(sentence: str) -> str:
    """The sentence on one line: no direction or control character, in whatever name, can make it read otherwise."""
    if sentence.isprintable():
        return sentence
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in sentence)


def unreadable_sentence(column: str, value: str, instead: str) -> str:
    """Say what a rule does instead, if a column of it cannot be read."""
    return f"Unreadable {column} {value[:100]!r}, so {instead}."


def _main_clause(verb: str, terms: Terms) -> str:
    if terms.limit is not None:
        return _limited(terms, terms.limit)
    who = "every client" if terms.clients is None else _listed(terms.clients)
    return f"{verb} {who} to {_WORDS[terms.kind].action} {_named(terms, f'every {_WORDS[terms.kind].each}')}"


def _limited(terms: Terms, limit: Limit) -> str:
    several = terms.clients is None or len(terms.clients) > 1
    if limit.per_client or not several:
        who = "every client" if terms.clients is None else _listed(terms.clients)
    else:
        who = f"{'all clients' if terms.clients is None else _listed(terms.clients)} together"
    times = f"{limit.calls:,} {_WORDS[terms.kind].action}{'s' if limit.calls != 1 else ''}"
    what = _named(terms, f"any {_WORDS[terms.kind].one}")
    each = " each" if several and limit.per_client and terms.clients is not None else ""
    together = ", counted together" if len(terms.tools) > 1 and "*" not in terms.tools else ""
    return f"Limit {who} to {times} of {what} {_PERIODS[limit.seconds]}{each}{together}"


def _scopes(terms: Terms) -> list[str]:
    scopes = terms.token_scopes
    return [f"with the token scope{'s' if len(scopes) > 1 else ''} {_listed(scopes)}"] if scopes else []


def _listing(terms: Terms) -> str:
    scopes = f"scope{'s' if len(terms.token_scopes) > 1 else ''}"
    return f"; listed also to those who lack only the {scopes}" if terms.listed_without_scopes else ""


def _conditions(terms: Terms) -> list[str]:
    if not terms.conditions:
        return []
    in_doubt = terms.effect != "allow" and any(one.operator not in PRESENCE for one in terms.conditions)
    words = " and ".join(in_words(condition) for condition in terms.conditions)
    return [f"if {words}{', or if that is unknown' if in_doubt else ''}"]


def _window(terms: Terms) -> str:
    if terms.begins is None and terms.ends is None:
        return ""
    begins = "" if terms.begins is None else f" from {moment_words(terms.begins)}"
    ends = "" if terms.ends is None else f" until {moment_words(terms.ends)}"
    return f",{begins}{ends} UTC"


def moment_words(seconds: float) -> str:
    """A point in time in words, in UTC; ``seconds`` since the epoch."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")


def _named(terms: Terms, all_of_them: str) -> str:
    names, words = terms.tools, _WORDS[terms.kind]
    if "*" in names:
        return all_of_them
    if terms.kind == "tool":
        return _listed(names)
    several = len(names) > 1 or any(character in names[0] for character in "*?[")
    return f"the {words.several if several else words.one} {_listed(names)}"


def one_of(kind: str) -> str:
    """The name of one thing that a rule of this kind speaks of."""
    return _WORDS[kind].one


def those_of(kind: str) -> str:
    """The name of several things that a rule of this kind speaks of."""
    return _WORDS[kind].several


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MANY:
        return f"{', '.join(names[:_MANY])} and {len(names) - _MANY} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
