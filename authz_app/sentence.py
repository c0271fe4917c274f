"""A rule in words. Pure: one sentence, the same in the list, the form and the records."""

from collections.abc import Sequence

_MANY = 5
_VERBS = {"allow": "Allow", "deny": "Deny"}
# What a rule lets a client do with each kind.
_ACTIONS = {"tool": "call", "resource": "read", "prompt": "use"}


def rule_sentence(
    *, effect: str, kind: str, clients: Sequence[str] | None, token_scopes: Sequence[str], tools: Sequence[str]
) -> str:
    """Say what a rule does; ``clients`` is None for every client, ``tools`` are names of the ``kind``.

    >>> rule_sentence(effect="allow", kind="tool", clients=["Demo"], token_scopes=["time"], tools=["TimeTool"])
    'Allow Demo to call TimeTool, with the token scope time.'
    >>> rule_sentence(effect="deny", kind="resource", clients=None, token_scopes=[], tools=["order"])
    'Deny every client to read the resource order.'
    """
    verb = _VERBS.get(effect)
    if verb is None or kind not in _ACTIONS:
        return unreadable_sentence("effect", effect) if verb is None else unreadable_sentence("kind", kind)
    if clients is not None and not clients:
        return f"{verb} nobody: no client is named."
    if not tools:
        return f"{verb} nothing: no {kind} is named."
    who = "every client" if clients is None else _listed(clients)
    scopes = f", with the token scope{'s' if len(token_scopes) > 1 else ''} {_listed(token_scopes)}"
    return f"{verb} {who} to {_ACTIONS[kind]} {_named(kind, tools)}{scopes if token_scopes else ''}."


def unreadable_sentence(column: str, value: str) -> str:
    """Say what a rule does that cannot be read: it might have denied anything."""
    return f"Unreadable {column} {value!r}, so deny everything to everybody."


def _named(kind: str, names: Sequence[str]) -> str:
    if "*" in names:
        return f"every {kind}"
    if kind == "tool":
        return _listed(names)
    several = len(names) > 1 or any(character in names[0] for character in "*?[")
    return f"the {kind}{'s' if several else ''} {_listed(names)}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MANY:
        return f"{', '.join(names[:_MANY])} and {len(names) - _MANY} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
