"""What conditions, windows and limits do to decisions, and to what is seen: a matrix, and properties for any rules.

Covers: authz_app.policy.satisfiability
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from authz_app.policy.condition_syntax import typed, typed_line
from authz_app.policy.conditions import Condition, Verdict, verdict
from authz_app.policy.decision import ANY_ARGUMENTS, Client, Decision, Reason, Shape, Target
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import Effect, Limit, Rule
from authz_app.policy.satisfiability import arguments_between
from tests.operations import at_most_calls

ISSUER = "https://issuer.example/"
DEMO = Client(1, ISSUER, "demo", "active", "Demo")
READ_ONLY, WRITES = {"readOnlyHint": True}, {"readOnlyHint": False}
TOOLS: dict[str, dict[str, Any]] = {"look": READ_ONLY, "pay": WRITES, "nonsense": READ_ONLY}
Arguments = Mapping[str, Any] | None


def rule(effect: Effect, *conditions: str, tools: str = "*", scopes: str = "", **fields: Any) -> Rule:
    limit = Limit(100, 60) if effect == "limit" else None
    asks = tuple(typed_line(line) for line in conditions)
    scope_set = frozenset(scopes.split())
    return Rule(0, effect, None, scope_set, tuple(tools.split()), "", conditions=asks, limit=limit, **fields)


def policy_of(rules: Sequence[Rule]) -> Policy:
    numbered = {number: replace(one, id=number) for number, one in enumerate(rules, 1)}
    return Policy(7, clients={(ISSUER, "demo"): DEMO}, rules=numbered)


def decided(
    rules: Sequence[Rule] | Policy,
    arguments: Arguments,
    claims: Mapping[str, Any] | None = None,
    *,
    tool: str = "pay",
    scopes: frozenset[str] = frozenset(),
    now: float = 0.0,
    shape: Shape = ANY_ARGUMENTS,
) -> Decision:
    principal = Principal(ISSUER, "demo", "", scopes, 2**40, claims or {})
    target = Target("tool", tool, tool != "nonsense", True, TOOLS[tool], shape)
    return decide(principal, DEMO, target, arguments, rules if isinstance(rules, Policy) else policy_of(rules), now)


EFFECTS: tuple[Effect, ...] = ("allow", "deny")
ONLY_PARIS, NOT_PARIS = (rule(effect, "arguments.city equals Paris") for effect in EFFECTS)
IN_PARIS_IF_SCOPED = replace(ONLY_PARIS, token_scopes=frozenset("a"), listed_without_scopes=True)
SCOPED_NOT_PARIS = replace(NOT_PARIS, token_scopes=frozenset("a"))
PARIS, ROME = {"city": "Paris"}, {"city": "Rome"}
# Rules; calls of `look` and of `pay` that are allowed, by their argument city; and which of the two is seen. Each is
# asked for a nonsense tool too.
MATRIX: list[tuple[str, list[Rule], str, str]] = [
    ("allow where true", [ONLY_PARIS], "look:Paris pay:Paris", "look pay"),
    ("allow where absent", [rule("allow", "arguments.city absent")], "look: pay:", "look pay"),
    (
        "deny unless false",
        [rule("allow"), NOT_PARIS],
        "look:Rome pay:Rome",
        "look pay",
    ),
    (
        "both conditions of a deny rule",
        [rule("allow"), rule("deny", "arguments.city equals Paris", "annotations.readOnlyHint equals false")],
        "look:Paris look:Rome look: pay:Rome",
        "look pay",
    ),
    ("by annotation", [rule("allow", "annotations.readOnlyHint equals true")], "look:Paris look:Rome look:", "look"),
    ("an annotation that no tool has", [rule("allow", "annotations.title equals x")], "", ""),
    ("an annotation that is absent", [rule("deny", "annotations.title exists"), rule("allow", tools="pay")],
     "pay:Paris pay:Rome pay:", "pay"),
    ("a claim", [rule("allow", "claims.org equals acme")], "look:Paris look:Rome look: pay:Paris pay:Rome pay:",
     "look pay"),
    ("another claim", [rule("allow", "claims.org equals other")], "", ""),
    ("a claim of another type", [rule("allow", "claims.org equals 1")], "", ""),
    ("deny where a claim is missing", [rule("allow"), rule("deny", "claims.team equals x")], "", ""),
    ("deny where it is another", [rule("allow"), rule("deny", "claims.org equals other")],
     "look:Paris look:Rome look: pay:Paris pay:Rome pay:", "look pay"),
    ("conditions that no arguments meet", [rule("allow", "arguments.city equals Paris", "arguments.city equals Rome")],
     "", ""),
    ("a denial that leaves nothing", [ONLY_PARIS,
                                      rule("deny", "arguments.city glob P*")], "", ""),
    ("a denial of what must be there", [rule("allow"), rule("deny", "arguments.city exists"),
                                        rule("deny", "arguments.city absent")], "", ""),
    ("a denial that leaves one", [rule("allow", "arguments.city in Paris, Rome"),
                                  rule("deny", "arguments.city glob P*")], "look:Rome pay:Rome", "look pay"),
    ("a limit allows nothing", [rule("limit")], "", ""),
    ("a limit hides nothing", [rule("limit"), rule("allow", tools="pay")], "pay:Paris pay:Rome pay:", "pay"),
    ("an unreadable allow rule", [replace(rule("allow"), broken=True)], "", ""),
    ("an unreadable deny rule", [rule("allow"), replace(rule("deny", tools="pay"), broken=True)],
     "look:Paris look:Rome look:", "look"),
    ("a window that is over", [rule("allow", ends=0.0)], "", ""),
    ("a window that opens later", [rule("allow", begins=1.0)], "", ""),
    ("a window that is open", [rule("allow", begins=0.0, ends=1.0, tools="pay")], "pay:Paris pay:Rome pay:", "pay"),
    ("a deny rule that is over", [rule("allow", tools="pay"), rule("deny", ends=0.0)],
     "pay:Paris pay:Rome pay:", "pay"),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "calls", "seen"), [row[1:] for row in MATRIX], ids=[row[0] for row in MATRIX])
def test_the_matrix_of_conditions_and_windows(rules: list[Rule], calls: str, seen: str) -> None:
    claims = {"org": "acme"}
    policy, every_call = policy_of(rules), list(product(TOOLS, [PARIS, ROME, {}]))
    allowed = [(tool, call) for tool, call in every_call if decided(policy, call, claims, tool=tool).allowed]
    assert {f"{tool}:{call.get('city', '')}" for tool, call in allowed} == set(calls.split())
    assert {tool for tool in TOOLS if decided(policy, None, claims, tool=tool).allowed} == set(seen.split())


@pytest.mark.parametrize(
    ("rules", "arguments", "reason", "determining", "paths"),
    [
        ([ONLY_PARIS], ROME, Reason.CONDITION_UNMET, [1], ["arguments.city"]),
        (
            [rule("allow", "arguments.city equals Paris", "claims.org exists"), rule("allow", "arguments.a.b exists")],
            ROME,
            Reason.CONDITION_UNMET,
            [1, 2],
            ["arguments.a.b"],  # What the caller lacks in its token is not told.
        ),
        ([rule("allow", "claims.org exists")], PARIS, Reason.CONDITION_UNMET, [1], []),
        ([rule("allow"), NOT_PARIS], PARIS, Reason.DENY_RULE, [2], ["arguments.city"]),
        ([rule("allow"), NOT_PARIS], {}, Reason.DENY_RULE, [2], ["arguments.city"]),
        ([rule("allow"), NOT_PARIS, rule("deny")], PARIS, Reason.DENY_RULE, [2, 3], []),
        ([NOT_PARIS], PARIS, Reason.DENY_RULE, [1], []),
        ([rule("allow", "arguments.city equals Paris", scopes="a")], PARIS, Reason.SCOPE_MISSING, [1], []),
        ([rule("allow", "arguments.city equals Paris", scopes="a")], ROME, Reason.NO_RULE, [], []),
        ([rule("allow", scopes="a"), SCOPED_NOT_PARIS], PARIS, Reason.NO_RULE, [], []),
        ([rule("allow", scopes="a"), SCOPED_NOT_PARIS], ROME, Reason.SCOPE_MISSING, [1], []),
        ([IN_PARIS_IF_SCOPED], PARIS, Reason.SCOPE_MISSING, [1], []),
        ([IN_PARIS_IF_SCOPED], ROME, Reason.CONDITION_UNMET, [1], ["arguments.city"]),
        ([IN_PARIS_IF_SCOPED, rule("deny", "arguments.city equals Rome")], ROME, Reason.DENY_RULE, [2],
         ["arguments.city"]),
        ([IN_PARIS_IF_SCOPED, rule("deny", "arguments.city equals Paris")], ROME, Reason.CONDITION_UNMET, [1], []),
        ([IN_PARIS_IF_SCOPED, rule("allow", "arguments.zip exists")], ROME, Reason.CONDITION_UNMET, [1, 2],
         ["arguments.city", "arguments.zip"]),
        ([replace(rule("allow"), broken=True)], PARIS, Reason.POLICY_ERROR, [1], []),
        ([replace(rule("allow"), broken=True), rule("allow")], PARIS, Reason.ALLOWED, [2], []),
        ([rule("allow", begins=1.0)], PARIS, Reason.NO_RULE, [], []),
    ],
)  # fmt: skip
def test_the_reason_the_determining_rules_and_what_the_caller_could_change(
    rules: list[Rule], arguments: Arguments, reason: Reason, determining: list[int], paths: list[str]
) -> None:
    decision = decided(rules, arguments)
    assert (decision.reason, sorted(one.id for one in decision.determining)) == (reason, determining)
    assert list(decision.argument_paths) == paths


def test_a_call_is_allowed_within_the_limits_that_are_not_certain_to_be_about_it() -> None:
    rules = [
        rule("allow"),
        rule("limit", "arguments.city equals Paris"),
        rule("limit", "arguments.city equals Rome"),
        rule("limit", "claims.org equals acme"),
        rule("limit", scopes="a"),
        rule("limit", ends=0.0),
        rule("limit", tools="look"),
    ]
    assert [one.id for one in decided(rules, PARIS).limits] == [2, 4]
    assert [one.id for one in decided(rules, {}, {"org": "other"}).limits] == [2, 3]
    assert decided([rule("limit")], PARIS).limits == ()


def test_a_decision_knows_the_conditions_on_claims_of_all_rules_that_concern_it() -> None:
    rules = [
        ONLY_PARIS,
        rule("deny", "claims.org equals other", scopes="a"),
        rule("allow", "claims.team exists", begins=1.0),
        rule("deny", "claims.secret exists", tools="look"),
    ]
    assert [one.names for one in decided(rules, PARIS).claims] == [("org",), ("team",)]
    assert decided(rules[:1], PARIS).claims == ()


def test_a_decision_is_not_remembered_past_the_moment_at_which_a_window_opens_or_closes() -> None:
    policy = policy_of([rule("allow", begins=10.0, ends=20.0), rule("deny", begins=15.0, ends=16.0)])
    moments = [5.0, 10.0, 14.9, 15.0, 16.0, 19.9, 20.0, 12.0, 5.0]
    assert [decided(policy, {}, now=moment).allowed for moment in moments] == [
        False, True, True, False, True, True, False, True, False,
    ]  # fmt: skip
    assert [policy.next_moment(now) for now in (0.0, 10.0, 15.5, 16.0, 20.0)] == [10.0, 15.0, 16.0, 20.0, float("inf")]


@pytest.mark.parametrize(
    ("rules", "shape", "seen"),
    [
        ([rule("allow", "arguments.n equals 1")], Shape(texts=True), False),
        ([rule("allow", 'arguments.n equals "1"')], Shape(texts=True), True),
        ([rule("allow", "arguments.n.m exists")], Shape(texts=True), False),
        ([rule("allow", "arguments.n absent")], Shape(texts=True), True),
        ([rule("allow"), rule("deny", "arguments.n equals 1")], Shape(texts=True), False),
        ([rule("allow", "arguments.uri glob orders://1*")], Shape(only="uri", pattern="orders://*"), True),
        ([rule("allow", "arguments.uri glob invoices://*")], Shape(only="uri", pattern="orders://*"), False),
        (
            [rule("allow"), rule("deny", "arguments.uri glob orders://*")],
            Shape(only="uri", pattern="orders://*"),
            False,
        ),
        ([rule("allow"), rule("deny", "arguments.uri glob *7")], Shape(only="uri", pattern="orders://*"), True),
        ([rule("allow", "arguments.uri absent")], Shape(only="uri"), False),
        ([rule("allow", "arguments.other exists")], Shape(only="uri"), False),
        ([rule("allow", "arguments.other absent")], Shape(only="uri"), True),
    ],
)
def test_what_is_seen_minds_what_arguments_there_can_be(rules: list[Rule], shape: Shape, seen: bool) -> None:
    assert decided(rules, None, shape=shape).allowed == seen


LISTED = rule("allow", scopes="a b", listed_without_scopes=True)


@pytest.mark.parametrize(
    ("rules", "scopes", "claims", "listed_without"),
    [
        ([LISTED], "", {}, ["a b"]),
        ([LISTED], "a", {}, ["b"]),
        ([LISTED], "a b", {}, []),
        ([LISTED, rule("allow")], "", {}, []),
        ([LISTED, rule("allow", "arguments.city exists")], "", {}, []),
        ([rule("allow", scopes="a b")], "", {}, []),
        ([LISTED, rule("allow", scopes="c", listed_without_scopes=True)], "", {}, ["a b", "c"]),
        ([LISTED, rule("allow", scopes="c")], "", {}, ["a b"]),
        ([LISTED, rule("deny")], "", {}, []),
        ([LISTED, rule("deny", scopes="b")], "", {}, []),
        ([LISTED, rule("deny", scopes="c")], "", {}, ["a b"]),
        ([LISTED, rule("deny", "arguments.city exists")], "", {}, ["a b"]),
        ([LISTED, rule("deny", "claims.org exists")], "", {}, ["a b"]),
        ([LISTED, rule("deny", "claims.org exists")], "", {"org": "acme"}, []),
        ([rule("allow", "claims.org equals acme", scopes="a", listed_without_scopes=True)], "", {}, []),
        ([rule("allow", "claims.org equals acme", scopes="a", listed_without_scopes=True)], "", {"org": "acme"}, ["a"]),
        ([replace(LISTED, begins=1.0)], "", {}, []),
        ([replace(LISTED, ends=0.0)], "", {}, []),
        ([replace(LISTED, broken=True)], "", {}, []),
        ([replace(LISTED, tools=("look",))], "", {}, []),
        ([LISTED, rule("limit")], "", {}, ["a b"]),
    ],
)
def test_what_is_listed_to_those_who_lack_nothing_but_token_scopes(
    rules: list[Rule], scopes: str, claims: dict[str, Any], listed_without: list[str]
) -> None:
    decision = decided(rules, None, claims, scopes=frozenset(scopes.split()))
    assert [" ".join(sorted(missing)) for missing in decision.listed_without] == listed_without


@pytest.mark.parametrize("status", ["pending", "blocked"])
def test_nothing_is_listed_to_a_client_that_is_not_active(status: str) -> None:
    principal, target = Principal(ISSUER, "demo", "", frozenset(), 2**40), Target("tool", "pay", True, True)
    assert not decide(principal, replace(DEMO, status=status), target, None, policy_of([LISTED]), 0.0).listed
    assert not decide(principal, DEMO, target._replace(enabled=False), None, policy_of([LISTED]), 0.0).listed


def test_a_search_among_very_many_denials_ends_and_shows_nothing() -> None:
    every_way = product(("true", "false"), repeat=8)
    denials = [
        rule("deny", *(f"arguments.{name} equals {value}" for name, value in zip("abcdefgh", way, strict=True)))
        for way in every_way
    ]
    assert not decided([rule("allow"), *denials], None).allowed


CONDITIONS = [
    "arguments.x equals a", "arguments.x equals 1", "arguments.x in a, b", "arguments.x contains a",
    "arguments.x glob a*", "arguments.x glob *b", "arguments.x exists", "arguments.x absent",
    "arguments.x.y exists", "arguments.x.y equals a", "arguments.x.y absent", "arguments.x contains 1",
    "arguments.x equals true", "arguments.x equals null", "arguments.z equals a", "arguments.z glob ?",
    "claims.c equals a", "claims.c exists", "claims.c contains a", "claims.d absent",
    "annotations.readOnlyHint equals true",
]  # fmt: skip
X = ["a", "b", "ab", "ba", "c", "", "aab", 1, 2, True, False, None, [], ["a"], ["b"], [1], ["a", 1], {}, {"y": "a"}]
X += [{"y": "b"}, {"y": 1}]
# Rich enough that what all the conditions above can tell apart is in it.
UNIVERSE = [
    {**({"x": x} if x != "-" else {}), **({"z": z} if z != "-" else {})}
    for x in ["-", *X]
    for z in ["-", "a", "b", "bb", 1]
]
CLAIMS = [{}, {"c": "a"}, {"c": "b"}, {"c": 1}, {"c": ["a"], "d": 1}, {"c": ["b", 1]}]
any_terms = st.builds(
    Rule,
    id=st.just(0),
    effect=st.sampled_from(["allow", "allow", "deny", "deny", "limit"]),
    clients=st.just(None),
    token_scopes=st.frozensets(st.sampled_from("ab"), max_size=1),
    tools=st.sampled_from([("*",), ("pay",), ("look",)]),
    sentence=st.just(""),
    broken=st.sampled_from([False] * 9 + [True]),
    conditions=st.lists(st.sampled_from(CONDITIONS).map(typed_line), max_size=3).map(tuple),
    begins=st.sampled_from([None, None, 0.0, 1.0]),
    ends=st.sampled_from([None, None, 1.0, 2.0]),
    limit=st.just(Limit(100, 60)),
    listed_without_scopes=st.booleans(),
)
# A deny rule that cannot be read is compiled without conditions.
compiled_terms = any_terms.map(lambda one: replace(one, conditions=()) if one.broken and one.effect == "deny" else one)
rule_sets = st.lists(compiled_terms, max_size=6)
situations = st.fixed_dictionaries(
    {
        "claims": st.sampled_from(CLAIMS),
        "tool": st.sampled_from(["look", "pay"]),
        "scopes": st.frozensets(st.sampled_from("ab")),
        "now": st.sampled_from([0.0, 1.0, 1.5, 2.0]),
    }
)
calls = st.sampled_from(UNIVERSE)
quickly = settings(deadline=None, max_examples=150)


def verdict_by_reading(one: Rule, arguments: Mapping[str, Any], situation: dict[str, Any]) -> Verdict:
    values = {"arguments": arguments, "claims": situation["claims"], "annotations": TOOLS[situation["tool"]]}
    verdicts = [verdict(condition, values[condition.root]) for condition in one.conditions]
    if one.broken and one.effect == "allow":
        verdicts.append(None)
    return False if False in verdicts else None if None in verdicts else True


def reference(rules: Sequence[Rule], arguments: Mapping[str, Any], situation: dict[str, Any]) -> tuple[bool, set[int]]:
    """Whether the call is allowed, and within which limits, as anybody would write it down."""
    now = situation["now"]
    concerned = [
        one
        for one in rules
        if situation["tool"] in one.tools + (one.tools == ("*",)) * tuple(TOOLS)
        and one.token_scopes <= situation["scopes"]
        and (one.begins is None or now >= one.begins)
        and (one.ends is None or now < one.ends)
    ]
    come_to = {one.id: verdict_by_reading(one, arguments, situation) for one in concerned}
    denied = any(one.effect == "deny" and come_to[one.id] is not False for one in concerned)
    allowed = any(one.effect == "allow" and come_to[one.id] is True for one in concerned)
    limits = {one.id for one in concerned if one.effect == "limit" and come_to[one.id] is not False}
    return (True, limits) if allowed and not denied else (False, set())


@quickly
@given(rule_sets, calls, situations)
def test_a_decision_is_what_reading_all_rules_comes_to(
    rules: list[Rule], call: dict[str, Any], situation: dict[str, Any]
) -> None:
    policy = policy_of(rules)
    decision = decided(policy, call, **situation)
    expected = reference(list(policy.rules.values()), call, situation)
    assert (decision.allowed, {one.id for one in decision.limits}) == expected


@quickly
@given(rule_sets, situations)
def test_a_tool_is_seen_if_and_only_if_some_call_of_it_is_allowed(rules: list[Rule], situation: dict[str, Any]) -> None:
    policy = policy_of(rules)
    some = any(decided(policy, call, **situation).allowed for call in UNIVERSE)
    assert decided(policy, None, **situation).allowed == some


@quickly
@given(rule_sets, situations)
def test_a_tool_is_listed_if_some_call_is_allowed_or_lacks_only_the_scopes_of_a_rule_that_has_it_listed(
    rules: list[Rule], situation: dict[str, Any]
) -> None:
    policy = policy_of(rules)
    best = decided(policy, None, **situation)
    # By decisions of calls alone: whose rule would decide, if the token carried just what that rule asks for besides.
    enough = {
        one.token_scopes - situation["scopes"]
        for one in policy.rules.values()
        if one.effect == "allow" and one.listed_without_scopes and not one.token_scopes <= situation["scopes"]
        for call in UNIVERSE
        if one in decided(policy, call, **{**situation, "scopes": situation["scopes"] | one.token_scopes}).determining
        and decided(policy, call, **{**situation, "scopes": situation["scopes"] | one.token_scopes}).allowed
    }
    assert set(best.listed_without) == (set() if best.allowed else enough)
    assert best.listed == (best.allowed or bool(enough))
    if best.listed_without:
        assert best.reason is Reason.SCOPE_MISSING
        lacking = [decided(policy, call, **situation) for call in UNIVERSE]
        assert any(one.reason is Reason.SCOPE_MISSING for one in lacking)


@quickly
@given(
    st.lists(st.sampled_from(CONDITIONS[:16]), max_size=3),
    st.lists(st.lists(st.sampled_from(CONDITIONS[:16]), max_size=3), max_size=3),
)
def test_arguments_that_are_found_are_between_what_is_allowed_and_what_is_denied(
    allowed: list[str], denied: list[list[str]]
) -> None:
    asked, refused = [typed_line(one) for one in allowed], [[typed_line(one) for one in deny] for deny in denied]
    found = arguments_between(asked, refused, ANY_ARGUMENTS)
    if found is None:
        return
    assert all(verdict(one, found) is True for one in asked)
    assert all(any(verdict(one, found) is False for one in deny) for deny in refused)


@quickly
@given(rule_sets, calls, situations, st.randoms(use_true_random=False))
def test_the_order_of_rules_never_matters(
    rules: list[Rule], call: dict[str, Any], situation: dict[str, Any], random: Random
) -> None:
    shuffled = random.sample(rules, len(rules))
    for arguments in (call, None):
        one, other = decided(rules, arguments, **situation), decided(shuffled, arguments, **situation)
        assert (one.reason, one.argument_paths) == (other.reason, other.argument_paths)


def with_effect(effect: Effect) -> Callable[[list[Rule]], list[Rule]]:
    return lambda rules: [replace(one, effect=effect) for one in rules]


@quickly
@given(rule_sets, st.one_of(*(rule_sets.map(with_effect(effect)) for effect in ("deny", "limit"))), situations)
def test_adding_deny_or_limit_rules_never_allows_or_shows_more(
    rules: list[Rule], more: list[Rule], situation: dict[str, Any]
) -> None:
    before, after = policy_of(rules), policy_of([*rules, *more])
    for call in (*UNIVERSE[::7], None):
        now, then = decided(after, call, **situation), decided(before, call, **situation)
        assert now.allowed <= then.allowed
        if now.allowed and call is not None:
            assert {one.id for one in now.limits} >= {one.id for one in then.limits}


@quickly
@given(rule_sets, rule_sets.map(with_effect("allow")), situations)
def test_adding_allow_rules_never_allows_or_shows_less(
    rules: list[Rule], more: list[Rule], situation: dict[str, Any]
) -> None:
    before, after = policy_of(rules), policy_of([*rules, *more])
    for call in (*UNIVERSE[::7], None):
        assert decided(after, call, **situation).allowed >= decided(before, call, **situation).allowed


@quickly
@given(rule_sets, calls, situations)
def test_what_does_not_exist_is_denied_like_any_other(
    rules: list[Rule], call: dict[str, Any], situation: dict[str, Any]
) -> None:
    for arguments in (call, None):
        assert not decided(rules, arguments, **{**situation, "tool": "nonsense"}).allowed
        assert not decided([], arguments, **situation).allowed


@quickly
@given(rule_sets, calls, situations)
def test_scopes_are_named_if_and_only_if_they_alone_would_cure(
    rules: list[Rule], call: dict[str, Any], situation: dict[str, Any]
) -> None:
    policy = policy_of(rules)
    decision = decided(policy, call, **situation)
    more = [situation["scopes"] | set(scopes) for scopes in ("a", "b", "ab")]
    curable = any(decided(policy, call, **{**situation, "scopes": scopes}).allowed for scopes in more)
    assert (decision.reason is Reason.SCOPE_MISSING) == (curable and not decision.allowed)
    for missing in decision.missing_scopes:
        assert decided(policy, call, **{**situation, "scopes": situation["scopes"] | missing}).allowed


@quickly
@given(rule_sets, calls, situations)
def test_other_arguments_are_asked_for_if_and_only_if_the_caller_may_see_the_tool(
    rules: list[Rule], call: dict[str, Any], situation: dict[str, Any]
) -> None:
    policy = policy_of(rules)
    decision, seen = decided(policy, call, **situation), decided(policy, None, **situation).listed
    others_would_do = bool(decision.argument_paths)
    assert others_would_do == (seen and not decision.allowed and decision.reason is not Reason.SCOPE_MISSING)
    assert all(path.startswith("arguments.") for path in decision.argument_paths)


def on_text(operator: str, value: str | list[str]) -> Condition:
    return typed("arguments.text", operator, orjson.dumps(value).decode())


CUSTOMERS = ["v" * 900 + str(number) for number in range(999)]
# Each took minutes, or would, were work not counted. Made where they are used: they are large.
INTRICATE: dict[str, Callable[[], tuple[list[Condition], list[list[Condition]]]]] = {
    "many lists that have all but one value in common": lambda: (
        [on_text("in", [*CUSTOMERS, f"own {number}"]) for number in range(49)] + [on_text("glob", "z*")],
        [],
    ),
    "many lists of what is not allowed": lambda: (
        [on_text("in", CUSTOMERS)],
        [[on_text("in", CUSTOMERS[: 900 + number])] for number in range(99)],
    ),
    "globs of many characters": lambda: (
        [on_text("glob", f"[{''.join(chr(one * 7 + number) for one in range(400, 1_300))}]*") for number in range(50)],
        [],
    ),
    "long globs": lambda: (
        [on_text("glob", f"*{'?'.join('abcdefghij'[number % 10] * 400)}*") for number in range(50)],
        [],
    ),
    "each way round each deny rule is a long one": lambda: (
        [on_text("glob", "*a" + "?" * 9), on_text("glob", "*b" + "?" * 8 + "*")],
        [
            [on_text("glob", f"*{'ab'[one % 2]}{'?' * (7 + other)}*{'ba'[other % 2]}*") for other in range(50)]
            for one in range(40)
        ],
    ),
}


@pytest.mark.parametrize("name", INTRICATE)
def test_conditions_however_intricate_do_not_keep_anybody_waiting(name: str) -> None:
    """Ten times the calls that it makes, or more: the search counts its own work, so it makes no more of them."""
    allowed, denied = INTRICATE[name]()
    with at_most_calls(5_000_000):
        found = arguments_between(allowed, denied, ANY_ARGUMENTS)
    if found is not None:
        assert all(verdict(one, found) is True for one in allowed)
        assert all(any(verdict(one, found) is False for one in deny) for deny in denied)


def test_what_would_be_allowed_is_looked_for_once_for_each_token() -> None:
    policy = policy_of([rule("allow", "arguments.city glob P*"), rule("deny", "arguments.city in Paris, Pisa")])
    evaluation = policy.partial_evaluation(DEMO, Target("tool", "pay", True, True, WRITES), frozenset(), 0.0)
    token, other = {"sub": "demo"}, {"sub": "demo"}
    found = evaluation.allowed_arguments(token)
    assert found is not None and found["city"].startswith("P")
    assert evaluation.allowed_arguments(token) is found
    assert evaluation.allowed_arguments(other) == found
