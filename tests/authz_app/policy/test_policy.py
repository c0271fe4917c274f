"""What the policy says of a call: a matrix to read, and properties that hold for any rules.

Covers: authz_app.policy.decision, authz_app.policy.principal, authz_app.policy.rule_index
"""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from authz_app.policy.decision import Client, Decision, Reason, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Kind, Rule

ISSUER = "https://issuer.example/"
NOW = 1_800_000_000.0
SCOPES = ("a", "b", "c")
TOOLS = ("time", "weather", "weather_daily")
PATTERNS = (*TOOLS, "nonsense", "*", "weather*", "w?ather", "[tw]*", "[!t]*", "TIME", "[z-a]", "[", "**")

DEMO = Client(1, ISSUER, "demo", "active", "Demo")
OTHER = Client(2, ISSUER, "other", "active", "Other")
NONSENSE = Client(3, ISSUER, "nonsense", "nonsense", "Nonsense")
CLIENTS = (DEMO, OTHER, NONSENSE)


def rule(effect: str, tools: str, clients: Sequence[Client] | None = None, scopes: str = "", number: int = 0) -> Rule:
    ids = None if clients is None else frozenset(client.id for client in clients)
    effect_read = "deny" if effect != "allow" else "allow"
    broken = effect == "broken"
    kind: Kind | None = None if broken else "tool"
    return Rule(number, effect_read, ids, frozenset(scopes.split()), tuple(tools.split()), "", broken, kind)


def policy_of(rules: Sequence[Rule]) -> Policy:
    numbered = {number: replace(one, id=number) for number, one in enumerate(rules, 1)}
    return Policy(7, clients={(client.issuer, client.subject): client for client in CLIENTS}, rules=numbered)


def decided(
    rules: Sequence[Rule], client: Client, tool: str, scopes: frozenset[str] = frozenset(), *, enabled: bool = True
) -> Decision:
    return decided_by(policy_of(rules), client, tool, scopes, enabled=enabled)


def decided_by(
    policy: Policy,
    client: Client,
    tool: str,
    scopes: frozenset[str] = frozenset(),
    *,
    enabled: bool = True,
    kind: Kind = "tool",
) -> Decision:
    principal = Principal(client.issuer, client.subject, "", scopes, 2**40)
    return decide(principal, client, Target(kind, tool, tool in TOOLS, enabled), {}, policy, NOW)


def allowed_calls(rules: Sequence[Rule], scopes: frozenset[str] = frozenset()) -> set[str]:
    policy, tools = policy_of(rules), (*TOOLS, "nonsense")
    return {f"{c.subject} {t}" for c in CLIENTS for t in tools if decided_by(policy, c, t, scopes).allowed}


# Every row is asked for a nonsense tool and a nonsense client too: unknown means denied, whatever the rules say.
MATRIX = [
    ("no rule at all", [], "", []),
    ("every client", [rule("allow", "time")], "", ["demo time", "other time"]),
    ("these clients", [rule("allow", "time", [DEMO])], "", ["demo time"]),
    ("these clients, with none left", [rule("allow", "*", [])], "a b c", []),
    ("no tool", [rule("allow", "")], "", []),
    ("a nonsense tool", [rule("allow", "nonsense")], "", []),
    ("a nonsense client", [rule("allow", "*", [NONSENSE])], "", []),
    ("a glob", [rule("allow", "weather*", [DEMO])], "", ["demo weather", "demo weather_daily"]),
    ("a glob of one character", [rule("allow", "w?ather", [DEMO])], "", ["demo weather"]),
    ("a glob of a set", [rule("allow", "[t]*", [DEMO])], "", ["demo time"]),
    ("names mind their case", [rule("allow", "TIME Weather*")], "", []),
    ("a name is the whole name", [rule("allow", "weath tim")], "", []),
    ("several tools", [rule("allow", "time weather", [OTHER])], "", ["other time", "other weather"]),
    (
        "deny beats allow",
        [rule("allow", "*", [DEMO]), rule("deny", "time")],
        "",
        ["demo weather", "demo weather_daily"],
    ),
    ("deny one of two", [rule("allow", "time"), rule("deny", "*", [DEMO])], "", ["other time"]),
    ("deny nobody", [rule("allow", "time"), rule("deny", "*", [])], "", ["demo time", "other time"]),
    ("deny nothing", [rule("allow", "time"), rule("deny", "")], "", ["demo time", "other time"]),
    ("deny alone", [rule("deny", "time")], "", []),
    ("scope there", [rule("allow", "time", [DEMO], "a")], "a b", ["demo time"]),
    ("scope missing", [rule("allow", "time", [DEMO], "a")], "b", []),
    ("all scopes are needed", [rule("allow", "time", [DEMO], "a b")], "a", []),
    ("deny with a scope that is there", [rule("allow", "time"), rule("deny", "time", None, "a")], "a", []),
    (
        "deny with a scope that is not",
        [rule("allow", "time", [DEMO]), rule("deny", "*", None, "a")],
        "b",
        ["demo time"],
    ),
    ("a broken rule denies all", [rule("allow", "*"), rule("broken", "*")], "a b c", []),
]


@pytest.mark.parametrize(("rules", "scopes", "expected"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_the_matrix_of_clients_and_tools(rules: list[Rule], scopes: str, expected: list[str]) -> None:
    for order in permutations(rules):
        assert allowed_calls(order, frozenset(scopes.split())) == set(expected)


@pytest.mark.parametrize("spoken_of", KINDS)
@pytest.mark.parametrize("tools", ["time", "*", "t?me weather"])
def test_a_rule_speaks_of_its_own_kind_alone(spoken_of: Kind, tools: str) -> None:
    allow, deny = (replace(rule(effect, tools), kind=spoken_of) for effect in ("allow", "deny"))
    for kind in KINDS:
        assert decided_by(policy_of([allow]), DEMO, "time", kind=kind).allowed == (kind == spoken_of)
        others = [replace(rule("allow", "*"), kind=kind), deny]
        assert decided_by(policy_of(others), DEMO, "time", kind=kind).allowed == (kind != spoken_of)


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_rule_speaks_of_every_kind(kind: Kind) -> None:
    policy = policy_of([replace(rule("allow", "*"), kind=kind), rule("broken", "*")])
    assert decided_by(policy, DEMO, "time", kind=kind).reason is Reason.POLICY_ERROR


def test_the_scopes_of_a_rule_of_another_kind_are_not_called_missing() -> None:
    policy = policy_of([rule("allow", "time", None, "a")])
    assert decided_by(policy, DEMO, "time").reason is Reason.SCOPE_MISSING
    assert decided_by(policy, DEMO, "time", kind="prompt").reason is Reason.NO_RULE


EVERYTHING = [rule("allow", "*")]


@pytest.mark.parametrize(
    ("status", "reason"),
    [("blocked", Reason.CLIENT_BLOCKED), ("pending", Reason.CLIENT_PENDING), ("nonsense", Reason.CLIENT_BLOCKED)],
)
def test_a_client_that_is_not_active_is_denied_whatever_the_rules_say(status: str, reason: Reason) -> None:
    assert decided(EVERYTHING, replace(DEMO, status=status), "time").reason is reason


def test_an_unknown_tool_is_denied_even_to_a_rule_for_every_tool() -> None:
    assert decided(EVERYTHING, DEMO, "nonsense").reason is Reason.UNKNOWN_TOOL


def test_a_tool_that_is_switched_off_is_denied_even_to_a_rule_that_names_it() -> None:
    assert decided([rule("allow", "time", [DEMO])], DEMO, "time", enabled=False).reason is Reason.TOOL_DISABLED


@pytest.mark.parametrize(
    ("rules", "reason", "determining"),
    [
        ([rule("allow", "time"), rule("allow", "weather")], Reason.ALLOWED, [1]),
        ([rule("allow", "time"), rule("allow", "*"), rule("allow", "time", [OTHER])], Reason.ALLOWED, [1, 2]),
        ([rule("allow", "time time time")], Reason.ALLOWED, [1]),
        ([rule("allow", "time"), rule("deny", "*"), rule("deny", "time", [DEMO])], Reason.DENY_RULE, [2, 3]),
        ([rule("allow", "time"), rule("broken", "*")], Reason.POLICY_ERROR, [2]),
        ([rule("broken", "*"), rule("deny", "*")], Reason.DENY_RULE, [1, 2]),
        ([rule("allow", "weather")], Reason.NO_RULE, []),
        ([rule("allow", "time", None, "a b"), rule("allow", "time", None, "c")], Reason.SCOPE_MISSING, [1, 2]),
        ([rule("allow", "time", None, "a"), rule("deny", "time")], Reason.DENY_RULE, [2]),
        ([rule("allow", "time", None, "a b"), rule("deny", "time", None, "b")], Reason.NO_RULE, []),
    ],
)
def test_the_reason_and_the_determining_rules(rules: list[Rule], reason: Reason, determining: list[int]) -> None:
    decision = decided(rules, DEMO, "time")
    assert (decision.reason, sorted(one.id for one in decision.determining)) == (reason, determining)
    assert (decision.policy_version, decision.client) == (7, DEMO)


def test_missing_scopes_leave_out_those_that_the_token_has() -> None:
    decision = decided([rule("allow", "time", None, "a b c")], DEMO, "time", frozenset("b"))
    assert decision.missing_scopes == (frozenset("ac"),)


scope_sets = st.frozensets(st.sampled_from(SCOPES))
any_rules = st.lists(
    st.builds(
        Rule,
        id=st.just(0),
        effect=st.sampled_from(["allow", "allow", "deny"]),
        clients=st.none() | st.frozensets(st.sampled_from([1, 2, 99])),
        token_scopes=scope_sets,
        tools=st.lists(st.sampled_from(PATTERNS), max_size=3).map(tuple),
        sentence=st.just(""),
        kind=st.sampled_from(["tool", "tool", "resource", "prompt"]),
    ),
    max_size=6,
)
calls = st.tuples(st.sampled_from([DEMO, OTHER]), st.sampled_from(TOOLS), scope_sets)
quickly = settings(deadline=None, max_examples=100)


def reference(rules: Sequence[Rule], client: Client, tool: str, scopes: frozenset[str]) -> tuple[Reason, set[int]]:
    """The decision as anybody would write it down, reading all rules."""
    speaking = [
        one
        for one in rules
        if one.kind == "tool"
        and (one.clients is None or client.id in one.clients)
        and any(fnmatchcase(tool, glob) for glob in one.tools)
    ]
    denying = {one.id for one in speaking if one.effect == "deny" and one.token_scopes <= scopes}
    allowing = {one.id for one in speaking if one.effect == "allow" and one.token_scopes <= scopes}
    if denying or allowing:
        return (Reason.DENY_RULE, denying) if denying else (Reason.ALLOWED, allowing)
    return Reason.NO_RULE, set()


@quickly
@given(any_rules, calls)
def test_the_index_decides_as_reading_all_rules_does(
    rules: list[Rule], call: tuple[Client, str, frozenset[str]]
) -> None:
    client, tool, scopes = call
    expected, determining = reference(list(policy_of(rules).rules.values()), client, tool, scopes)
    decision = decided(rules, client, tool, scopes)
    if decision.reason is Reason.SCOPE_MISSING:
        assert expected is Reason.NO_RULE
        return
    assert (decision.reason, sorted(one.id for one in decision.determining)) == (expected, sorted(determining))


@quickly
@given(any_rules, calls, st.randoms(use_true_random=False))
def test_the_order_of_rules_never_matters(
    rules: list[Rule], call: tuple[Client, str, frozenset[str]], random: Random
) -> None:
    shuffled = random.sample(rules, len(rules))
    assert decided(rules, *call).reason is decided(shuffled, *call).reason


@quickly
@given(any_rules, any_rules, scope_sets)
def test_adding_deny_rules_never_allows_more(rules: list[Rule], more: list[Rule], scopes: frozenset[str]) -> None:
    denies = [replace(one, effect="deny") for one in more]
    assert allowed_calls(rules + denies, scopes) <= allowed_calls(rules, scopes)


@quickly
@given(any_rules, any_rules, scope_sets)
def test_adding_allow_rules_never_allows_less(rules: list[Rule], more: list[Rule], scopes: frozenset[str]) -> None:
    allows = [replace(one, effect="allow") for one in more]
    assert allowed_calls(rules + allows, scopes) >= allowed_calls(rules, scopes)


@quickly
@given(any_rules, any_rules.filter(bool), scope_sets, st.data())
def test_removing_a_rule_or_a_member_never_allows_more_unless_it_denied(
    others: list[Rule], more: list[Rule], scopes: frozenset[str], data: st.DataObject
) -> None:
    allow = replace(more[0], effect="allow")
    before = allowed_calls([*others, allow], scopes)
    assert allowed_calls(others, scopes) <= before
    if allow.clients:
        left = allow.clients - {data.draw(st.sampled_from(sorted(allow.clients)))}
        assert allowed_calls([*others, replace(allow, clients=left)], scopes) <= before
    if allow.tools:
        gone = data.draw(st.integers(0, len(allow.tools) - 1))
        left_tools = allow.tools[:gone] + allow.tools[gone + 1 :]
        assert allowed_calls([*others, replace(allow, tools=left_tools)], scopes) <= before


def supersets(scopes: frozenset[str]) -> list[frozenset[str]]:
    rest = [scope for scope in SCOPES if scope not in scopes]
    return [scopes | set(more) for size in range(len(rest) + 1) for more in combinations(rest, size)]


@quickly
@given(any_rules, calls)
def test_scopes_are_called_missing_if_and_only_if_scopes_alone_would_cure(
    rules: list[Rule], call: tuple[Client, str, frozenset[str]]
) -> None:
    client, tool, scopes = call
    policy = policy_of(rules)
    decision = decided_by(policy, client, tool, scopes)
    curable = any(decided_by(policy, client, tool, more).allowed for more in supersets(scopes))
    assert (decision.reason is Reason.SCOPE_MISSING) == (curable and not decision.allowed)
    assert bool(decision.missing_scopes) == (decision.reason is Reason.SCOPE_MISSING)
    for missing in decision.missing_scopes:
        assert missing and not missing & scopes
        assert decided_by(policy, client, tool, scopes | missing).allowed


@quickly
@given(any_rules, calls, st.sampled_from(["blocked", "pending", ""]))
def test_no_rules_help_a_client_that_is_not_active_or_a_tool_that_is_not_there(
    rules: list[Rule], call: tuple[Client, str, frozenset[str]], status: str
) -> None:
    client, tool, scopes = call
    assert not decided(rules, replace(client, status=status), tool, scopes).allowed
    assert not decided(rules, client, "nonsense", scopes).allowed
    assert not decided(rules, client, tool, scopes, enabled=False).allowed


@quickly
@given(any_rules, calls)
def test_a_broken_rule_allows_nothing(rules: list[Rule], call: tuple[Client, str, frozenset[str]]) -> None:
    assert not decided([*rules, rule("broken", "*")], *call).allowed
