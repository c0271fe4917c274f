"""What explains a decision agrees with what enforces it: explanation, `can_i`, the page, and each record's link.

Covers: tools_app.explain.as_json
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client as Browser
from django.utils import timezone
from mcp.shared.exceptions import MCPError
from mcp_types import ToolAnnotations

from authz_app.explain.explanation import Case, Concern, Explanation, explain
from authz_app.explain.simulated_principal import client_in
from authz_app.models import CallRecord, Client, Rule, User
from authz_app.policy.condition_syntax import stored, typed_line
from authz_app.policy.decision import Decision, Reason
from authz_app.policy.limits import SlidingWindow, allowances, refused, spent_of
from authz_app.policy.policy import Policy, decide
from authz_app.policy.principal import Principal
from authz_app.policy_store import loading
from authz_app.redaction.audit_level import DEFAULT_RECORDING
from tests.callers import caller_for
from tests.tools_app.desk import WAIT, Desk, Silent, allow, desk
from tools_app import registry
from tools_app.explain.explain import access_request_about, replay_under
from tools_app.invocation.access_request import AccessRequest
from tools_app.invocation.invoke import invoke
from tools_app.invocation.opening import opening_of
from tools_app.invocation.record_contents import RecordContents
from tools_app.models import Tool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
COMBINATIONS = 10_000
THROUGH_COMMAND_AND_PAGE = 40
ISSUER = "http://testserver"
HOUR = 3_600.0
CONDITIONS = [
    "arguments.to equals Ada",
    "arguments.to in Ada, Bo",
    "arguments.to glob A*",
    "arguments.amount equals 5",
    "arguments.options.force exists",
    "arguments.tags contains x",
    "arguments.uri glob orders://1*",
    "claims.org equals acme",
    "claims.roles contains admin",
    "claims.level absent",
    "annotations.readOnlyHint equals true",
]
# The last two are recorded otherwise than they were sent.
ARGUMENTS: list[dict[str, Any] | None] = [
    None,
    {},
    {"to": "Ada"},
    {"to": "Bo", "amount": 5},
    {"to": 7, "tags": "x"},
    {"to": "Ann", "tags": ["y", "x"]},
    {"options": {"force": None}},
    {"options": '{"force": true}'},
    {"to": "Bearer abcdefghijklmnop", "tags": ["Basic abcdefghijklmnop"]},
    {"to": "Ada", "options": {"password": "x", "force": {f"n{number}": 1 for number in range(120)}}},
]
CLAIMS: list[dict[str, Any]] = [
    {},
    {"org": "acme"},
    {"org": 1, "roles": ["admin"]},
    {"roles": "administrator", "level": 3},
]
URIS = ["orders://1", "orders://2", "orders://", "order"]
SPOKEN_OF = {"tool": ["look", "pay", "p*", "*", "echo", "nonsense"], "resource": ["order", "o*"], "prompt": ["greet"]}
NAMES = ["look", "pay", "pay", "echo", "nonsense"]


@pytest.fixture(autouse=True)
def offered() -> Iterator[None]:
    """A tool that reads, one that takes all sorts, one that is switched off, a resource and a prompt."""

    def look() -> str:
        return "seen"

    def pay(to: str = "", amount: int = 0, options: dict[str, Any] | None = None, tags: list[str] | None = None) -> str:
        return to

    def order(id: str) -> str:
        return id

    def greet(to: str = "") -> str:
        return to

    registry.tool(annotations=ToolAnnotations(read_only_hint=True))(look)
    registry.tool(pay)
    registry.resource("orders://{id}")(order)
    registry.prompt(greet)
    Tool.objects.filter(name="echo").update(enabled=False)
    yield
    for name, kind in (("look", "tool"), ("pay", "tool"), ("order", "resource"), ("greet", "prompt")):
        registry.unregister(name, kind)  # type: ignore[arg-type]  # Each is a kind.


def some(chance: Random, choices: list[Any], most: int) -> list[Any]:
    return chance.sample(choices, chance.randint(0, most))


def make_rules(chance: Random, number: int, limit_calls: int = 3) -> None:
    statuses = ["active", "active", "active", "blocked", "pending"]
    clients = [
        Client.objects.create(issuer=ISSUER, subject=f"s{number}", name=f"Client {number}", status=status)
        for number, status in enumerate(statuses)
    ]
    now = timezone.now()
    for _ in range(number):
        effect = chance.choices(["allow", "deny", "limit"], [6, 2, 1])[0]
        kind = chance.choices(["tool", "resource", "prompt"], [4, 1, 1])[0]
        limit = {"limit_calls": limit_calls, "limit_period": "hour", "limit_per": chance.choice(["client", "together"])}
        rule = Rule.objects.create(
            effect=effect,
            kind=kind,
            applies_to=chance.choice(["every", "these"]),
            token_scopes=" ".join(some(chance, ["a", "b"], 1)),
            tools="\n".join(chance.sample(SPOKEN_OF[kind], 1)),
            conditions=stored(typed_line(line) for line in some(chance, CONDITIONS, 2)),
            valid_from=chance.choice([None, None, now - timedelta(hours=1), now + timedelta(hours=1)]),
            valid_until=chance.choice([None, None, None, now + timedelta(hours=2), now - timedelta(hours=2)]),
            enabled=chance.random() < 0.9,
            **(limit if effect == "limit" else {}),
        )
        rule.clients.set(some(chance, clients, 3))


def make_question(chance: Random) -> tuple[Principal, AccessRequest, Mapping[str, Any] | None]:
    subject, scopes = f"s{chance.randint(0, 5)}", frozenset(some(chance, ["a", "b"], 2))
    claims = {**chance.choice(CLAIMS), "iss": ISSUER, "sub": subject}
    principal = Principal(ISSUER, subject, "", scopes, 0, claims)
    match chance.randint(0, 9):
        case 0:
            return principal, *access_request_about(
                "resource", chance.choice(["orders://1", "orders://2", "orders://", "order"]), None
            )
        case 1:
            return principal, *access_request_about(
                "prompt", "greet", chance.choice([None, {}, {"to": "Ada"}, {"to": "Bo"}])
            )
    return principal, *access_request_about("tool", chance.choice(NAMES), chance.choice(ARGUMENTS))


def enforced(case: Case, policy: Policy, counted: Mapping[tuple[int, int], str]) -> Decision:
    """As the invocation decides, and as the audit settles."""
    decision = decide(case.principal, case.client, case.target, case.arguments, policy, case.now)
    windows = [SlidingWindow(one, counted.get((one.rule_id, one.client_id)), case.now) for one in allowances(decision)]
    spent = spent_of(windows) if case.arguments is not None else None
    return decision if spent is None else refused(decision, spent)


def assert_told_rightly(explanation: Explanation, case: Case, enforced: Decision) -> None:
    """The rules, by what is said of each, come to the decision; and the clauses of each to what is said of it."""
    assert explanation.decision == enforced
    assert {concern.rule.id for concern in explanation.deciding} == {rule.id for rule in enforced.determining}
    for concern in explanation.concerns:
        assert concern.applies is applies(concern)
    if case.client.status == "active" and case.target.exists and case.target.enabled:
        effects = {concern.rule.effect for concern in explanation.concerns if concern.applies}
        spent = enforced.reason == "limit_reached"
        assert enforced.allowed == ("allow" in effects and "deny" not in effects and not spent)
        assert not spent or "limit" in effects


def applies(concern: Concern) -> bool:
    asked = [clause for clause in concern.clauses if not clause.asks.startswith("no more than")]
    if any(clause.verdict is False for clause in asked):
        return False
    return concern.rule.effect != "allow" or all(clause.verdict for clause in asked)


def record_of(principal: Principal, requested: AccessRequest, decision: Decision, now: float) -> CallRecord:
    dependencies: Any = SimpleNamespace(worker="tests", time_limit=1.0)
    contents = RecordContents(requested, DEFAULT_RECORDING)
    opening = opening_of(caller_for(principal), contents, decision, dependencies)
    return CallRecord(**{**opening._asdict(), "at": datetime.fromtimestamp(now, UTC)})


def test_explanation_and_record_agree_with_what_is_enforced() -> None:
    chance = Random(20261127)
    make_rules(chance, 25)
    policy, start = loading.load(), time.time()
    limits = [rule for rule in policy.rules.values() if rule.limit is not None]
    reasons: dict[str, int] = {}
    complete = agreeing = replayable = 0
    for _ in range(COMBINATIONS):
        principal, requested, arguments = make_question(chance)
        now = start + chance.choice([-3 * HOUR, 0.0, 1.5 * HOUR, 3 * HOUR])
        used = json.dumps([[now - 1, 3]])
        counted = {(rule.id, client): used for rule in limits for client in range(40) if chance.random() < 0.2}
        target = requested.target(policy)
        case = Case(principal, client_in(policy, principal), target, arguments, now)
        decision = enforced(case, policy, counted)
        assert_told_rightly(explain(case, policy, counted), case, decision)
        reasons[decision.reason] = reasons.get(decision.reason, 0) + 1
        if arguments is not None:
            replayed = replay_under(policy, record_of(principal, requested, decision, now), with_values=True)
            assert replayed.agrees or not replayed.is_complete
            replayable, agreeing = replayable + 1, agreeing + replayed.agrees
            complete += replayed.is_complete
    assert len(reasons) == len(Reason) - 1, reasons  # what cannot be read is tested elsewhere
    assert min(reasons.values()) >= 20, reasons
    # The records of some hold too little to be sure of every rule, and of few to be sure of the decision.
    assert replayable * 0.5 < complete < replayable
    assert agreeing > replayable * 0.95


def told_by_command(principal: Principal, requested: AccessRequest, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What `can_i --json` says; that its exit code says the same is checked on the way."""
    scopes = [f"--scope={scope}" for scope in principal.token_scopes]
    sent = [] if requested.uri else [f"--arguments={json.dumps(arguments)}"]
    claims = f"--claims={json.dumps({**principal.claims})}"
    out, code = StringIO(), 0
    try:
        call_command(
            "can_i",
            claims,
            *scopes,
            *sent,
            "--json",
            f"--kind={requested.kind}",
            requested.uri or requested.name,
            stdout=out,
        )
    except SystemExit as ended:
        code = int(ended.code or 0)
    told: dict[str, Any] = json.loads(out.getvalue())
    assert code == (0 if told["allowed"] else 1)
    return told


def told_by_page(
    browser: Browser, principal: Principal, requested: AccessRequest, arguments: Mapping[str, Any]
) -> dict[str, Any]:
    form = {
        "claims": json.dumps({**principal.claims}),
        "token_scopes": " ".join(principal.token_scopes),
        "kind": requested.kind,
        "name": requested.uri or requested.name,
        "arguments": "" if requested.uri else json.dumps(arguments),
    }
    response = browser.post("/admin/explain/", form)
    assert response.status_code == 200, response.context["form"].errors
    answer: dict[str, Any] = response.context["answer"]
    return answer


def rules_in(record: CallRecord) -> set[int]:
    return {rule["id"] for rule in json.loads(record.rules)}


def decided(told: dict[str, Any]) -> set[int]:
    return {rule["id"] for rule in [*told.get("rules", ()), *told.get("deciding", ())] if rule["decides"]}


def recorded_call(here: Desk, principal: Principal, requested: AccessRequest) -> CallRecord:
    """Call for real, allowed or not, and return its record."""
    with suppress(MCPError):
        here.run(invoke(caller_for(principal), requested, Silent(), here.dependencies))
    assert here.dependencies.audit.flush(WAIT)
    return CallRecord.objects.latest("id")


def test_command_page_and_the_record_s_link_agree_with_real_calls(client: Browser) -> None:
    chance = Random(4)
    make_rules(chance, 25, limit_calls=1)
    allow("greet", kind="prompt")
    allow("greet", kind="prompt", effect="limit", limit_calls=1, limit_period="hour", limit_per="together")
    allow("look", conditions=stored([typed_line("claims.org equals acme")]))
    client.force_login(User.objects.create_superuser("admin"))
    outcomes: list[str] = []
    with desk() as here:
        while len(outcomes) < THROUGH_COMMAND_AND_PAGE:
            principal, requested, arguments = make_question(chance)
            if arguments is None or principal.subject > "s3":
                continue
            before = [
                told_by_command(principal, requested, arguments),
                told_by_page(client, principal, requested, arguments),
            ]
            record = recorded_call(here, principal, requested)
            link = client.get(f"/admin/authz_app/callrecord/{record.pk}/change/")
            assert f"/admin/explain/{record.pk}/" in link.content.decode()
            answer = client.get(f"/admin/explain/{record.pk}/").context["answer"]
            assert [one["reason"] for one in before] == [record.reason] * 2
            assert [decided(one) for one in (*before, answer)] == [rules_in(record)] * 3
            assert answer["allowed"] == (record.decision == "allowed")
            assert answer["agrees"] or not answer["is_complete"]
            outcomes.append(record.reason)
    assert {"allowed", "limit_reached"} <= {*outcomes} and len({*outcomes}) >= 7, outcomes
