"""Finds the few rules that concern a client and its target, among very many. Pure.

An index never changes. The next one shares all that a change of the policy leaves as it was, so that deriving it costs
copying a few dictionaries, and not reading every rule again.
"""

from collections.abc import Collection, Iterable, Mapping

from authz_app.policy.globs import WILDCARDS
from authz_app.policy.rule import Kind, Rule

_KindAndName = tuple[Kind, str]


class _ClientRules:
    """Rules that concern the same clients, by what they speak of."""

    __slots__ = ("_exact", "_globs", "_matching")

    def __init__(self) -> None:
        self._exact: dict[tuple[Kind | None, str], tuple[Rule, ...]] = {}
        self._globs: dict[int, Rule] = {}
        # Filled on demand. Only registered names are asked for, so their number bounds it.
        self._matching: dict[_KindAndName, tuple[Rule, ...]] = {}

    def matching(self, key: _KindAndName) -> tuple[Rule, ...]:
        found = self._matching.get(key)
        if found is None:
            globs = (rule for rule in self._globs.values() if rule.speaks_of(*key))
            found = self._matching[key] = (*self._exact.get(key, ()), *globs)
        return found

    def changed(self, gone: Collection[Rule], come: Collection[Rule]) -> "_ClientRules":
        part = _ClientRules()
        part._exact, part._globs = self._exact.copy(), self._globs.copy()
        for rule in gone:
            part._remove(rule)
        part._add(come)
        # Other threads may add to the dictionary meanwhile, so a copy is read.
        for key, found in self._matching.copy().items():
            if any(rule.speaks_of(*key) for rule in gone):
                left = {rule.id for rule in gone}
                found = tuple(rule for rule in found if rule.id not in left)
            part._matching[key] = (*found, *(rule for rule in come if rule.speaks_of(*key)))
        return part

    def _remove(self, rule: Rule) -> None:
        if self._globs.pop(rule.id, None) is None:
            for key in _names(rule):
                self._exact[key] = tuple(one for one in self._exact[key] if one.id != rule.id)

    def _add(self, rules: Iterable[Rule]) -> None:
        exact: dict[tuple[Kind | None, str], list[Rule]] = {}
        for rule in rules:
            if rule.kind is None or not WILDCARDS.isdisjoint("".join(rule.tools)):
                self._globs[rule.id] = rule
            else:
                for key in _names(rule):
                    exact.setdefault(key, []).append(rule)
        for key, added in exact.items():
            self._exact[key] = (*self._exact.get(key, ()), *added)


def _names(rule: Rule) -> Iterable[tuple[Kind | None, str]]:
    return ((rule.kind, name) for name in dict.fromkeys(rule.tools))  # twice in a rule is once in a decision


_NOTHING = _ClientRules()


class RuleIndex:
    """All rules, by client and by what they speak of."""

    __slots__ = ("_every", "_named")

    def __init__(self) -> None:
        self._every = _NOTHING
        self._named: dict[int, _ClientRules] = {}

    def matching(self, client_id: int, kind: Kind, name: str) -> tuple[Rule, ...]:
        """The rules that speak of this client and of what has this kind and name."""
        key = kind, name
        every, named = self._every.matching(key), self._named.get(client_id)
        return every if named is None else every + named.matching(key)

    def changed(self, gone: Collection[Rule], come: Collection[Rule]) -> "RuleIndex":
        """The index without some of its rules, and with others."""
        index = RuleIndex()
        index._every, index._named = self._every, self._named.copy()
        left, added = _by_client(gone), _by_client(come)
        for client_id in left.keys() | added.keys():
            before = index._named.get(client_id, _NOTHING) if client_id is not None else index._every
            part = before.changed(left.get(client_id, ()), added.get(client_id, ()))
            if client_id is None:
                index._every = part
            else:
                index._named[client_id] = part
        return index


def _by_client(rules: Iterable[Rule]) -> Mapping[int | None, list[Rule]]:
    """The rules for each client; for every client, under None."""
    found: dict[int | None, list[Rule]] = {}
    for rule in rules:
        for client_id in (None,) if rule.clients is None else rule.clients:
            found.setdefault(client_id, []).append(rule)
    return found
