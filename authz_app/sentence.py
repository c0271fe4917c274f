"""A rule in words. Pure: one sentence, the same in the list, the form and the records."""

from collections.abc import Sequence

_MANY = 5


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MANY:
        return f"{', '.join(names[:_MANY])} and {len(names) - _MANY} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def rule_sentence(
    *, effect: str, clients: Sequence[str] | None, token_scopes: Sequence[str], tools: Sequence[str]
) -> str:
    """Say what a rule does; ``clients`` is None for every client.

    >>> rule_sentence(effect="allow", clients=["Demo"], token_scopes=["time"], tools=["TimeTool"])
    'Allow Demo to call TimeTool, with the token scope time.'
    """
    verb = {"allow": "Allow", "deny": "Deny"}.get(effect, f"Unreadable effect {effect!r}, so deny")
    if clients is not None and not clients:
        return f"{verb} nobody: no client is named."
    if not tools:
        return f"{verb} nothing: no tool is named."
    who = "every client" if clients is None else _listed(clients)
    what = "every tool" if "*" in tools else _listed(tools)
    scopes = f", with the token scope{'s' if len(token_scopes) > 1 else ''} {_listed(token_scopes)}"
    return f"{verb} {who} to call {what}{scopes if token_scopes else ''}."
