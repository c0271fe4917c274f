"""What the guides say is so: the site's own sentences, settings that it takes, commands that there are."""

import asyncio
import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command, get_commands
from pytest_django import Settings

from authz_app.checks import check_issuers
from authz_app.conf import conf
from authz_app.core.asgi import Message
from authz_app.issuers import TrustedIssuer, parse_issuers
from authz_app.models import Rule as PolicyRule
from authz_app.policy.condition_syntax import typed_line
from authz_app.policy.conditions import verdict
from authz_app.policy.decision import Client, Decision, Reason
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Rule
from authz_app.tokens.claims import oauth_client_id, token_scopes
from authz_app.tokens.errors import AuthenticationError
from authz_app.tokens.issuer_keys import IssuerKeySets
from authz_app.tokens.middleware import read_token, refuse
from authz_app.tokens.verifier import TokenVerifier
from mcpsite.env_file import parse
from tests.callers import caller_for
from tests.issuer import ABSENT, Issuer
from tests.site import ROOT
from tools_app.errors import NotFound
from tools_app.invocation.access_request import tool_call
from tools_app.invocation.denials import denial
from tools_app.management.commands.mcp_client import ACTIONS
from tools_app.mcp_client.login import CALLBACK_PORT
from tools_app.mcp_client.loopback import redirect_uri
from tools_app.pages.recipes import recipes
from tools_app.registry import registered, registered_tools, resource_at, unregister
from tools_app.transports.requests import RequestRefused, check_origin

DOCS = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
SITE = "https://mcp.example.com"
ISSUER = "https://issuer.example.com"
AUTH0 = "https://tenant.eu.auth0.com/"
CLIENT = Client(1, ISSUER, "alice", "active", "Alice")
QUOTED = re.findall(r"^> (.+)$", DOCS["troubleshooting.md"], re.MULTILINE)
WAIT = 20


# Troubleshooting


class Refusals:
    """What the site answers, each time in the form of the guide: "status code: sentence"."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        trusted = [issuer.trusted(audiences=(f"{SITE}/mcp", f"{SITE}/sse"))]
        self.now = time.time()
        keys = IssuerKeySets(trusted, dict, fetch_seconds=2)
        self._verifier = TokenVerifier(trusted, keys, 30, clock=lambda: self.now)

    def close(self) -> None:
        self._verifier.close()

    async def of_token(self, token: str) -> str:
        return await self.of_request(f"Bearer {token}")

    async def of_request(self, authorization: str | None = None, query: bytes = b"") -> str:
        headers = [] if authorization is None else [(b"authorization", authorization.encode())]
        scope = {"method": "GET", "path": "/mcp", "query_string": query, "headers": headers}
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        async with asyncio.timeout(WAIT):
            with pytest.raises(AuthenticationError) as refused:
                await self._verifier.verify(read_token(scope, allow_query_token=False).token)
            await refuse(send, refused.value, "https://mcp.example.com/")
        body = json.loads(sent[1]["body"])
        said = f"{sent[0]['status']} {body['error']}: {body['error_description']}"
        return said.replace(self._issuer.url, ISSUER)


@pytest.fixture
def refusals() -> Iterator[Refusals]:
    with Issuer() as issuer:
        made = Refusals(issuer)
        yield made
        made.close()


async def said_to_tokens(refusals: Refusals) -> list[str]:
    issuer = refusals._issuer
    good = {"aud": f"{SITE}/mcp"}
    now = int(refusals.now)
    tokens = [
        "opaque",
        issuer.token(**good, nonce="n", scope=ABSENT),
        issuer.token(aud=f"{SITE}/api"),
        issuer.token(aud=ABSENT),
        issuer.token(**good, iss=f"{issuer.url}/"),
        issuer.sign(issuer.claims(**good), issuer.header(alg="HS256")),
        issuer.sign(issuer.claims(**good), issuer.header(kid="key-9")),
        issuer.token(**good, cnf={"jkt": "x"}),
        issuer.token(**good, exp=now - 600),
        issuer.token(**good, iat=now + 601),
    ]
    return [await refusals.of_token(token) for token in tokens]


async def said_while_the_issuer_is_down() -> str:
    with Issuer() as issuer:
        issuer.behaviour = "down"
        refusals = Refusals(issuer)
        said = await refusals.of_token(issuer.token(aud=f"{SITE}/mcp"))
        refusals.close()
    return re.sub(r"again in \d+ seconds", "again in 5 seconds", said)


def said_of_origin(host: str, origin: str) -> str:
    scope = {"headers": [(b"host", host.encode()), (b"origin", origin.encode())]}
    with pytest.raises(RequestRefused) as refused:
        check_origin(scope, ["mcp.example.com"], [SITE])
    return f"{refused.value.status} {refused.value.error}: {refused.value}"


def said_of_settings(settings: Settings, **values: Any) -> str:
    for name, value in values.items():
        setattr(settings, name, value)
    (found,) = check_issuers()
    return f"{found.id}: {found.msg}"


def said_of_call(reason: Reason, **parts: Any) -> str:
    decision = Decision(reason, 1, CLIENT, **parts)
    principal = Principal(ISSUER, "alice", "app", frozenset(), 2**33)
    record = UUID("01a20716-dca2-7d0f-b275-6926603aa2c7")
    return str(denial(record, decision, tool_call("orders", {}), caller_for(principal), "ops@example.com"))


async def test_the_sentences_in_the_guide_are_the_site_s_own(refusals: Refusals, settings: Settings) -> None:
    settings.PUBLIC_URL, settings.LOCAL_ISSUER, settings.DEBUG = SITE, False, False
    trusted = json.dumps([{"issuer": ISSUER, "audiences": ["https://old.example.com/mcp"]}])
    twice = json.dumps([{"issuer": AUTH0, "audiences": ["x"]}])
    wanted = frozenset({"orders:read"})
    rule = Rule(1, "allow", None, wanted, ("orders",), "")
    said = [
        await refusals.of_request(),
        await refusals.of_request("Basic YWxpY2U6eA=="),
        await refusals.of_request(query=b"access_token=x"),
        *await said_to_tokens(refusals),
        await said_while_the_issuer_is_down(),
        said_of_origin("127.0.0.1", SITE),
        said_of_origin("mcp.example.com", "https://elsewhere.example"),
        said_of_call(Reason.NO_RULE),
        said_of_call(Reason.SCOPE_MISSING, determining=(rule,), missing_scopes=(wanted,)),
        said_of_call(Reason.CONDITION_UNMET, argument_paths=("arguments.region",)),
        said_of_call(Reason.LIMIT_REACHED, wait=41.3),
        said_of_call(Reason.CLIENT_PENDING),
        said_of_call(Reason.CLIENT_BLOCKED),
        said_of_settings(settings, TRUSTED_ISSUERS=trusted),
        said_of_settings(settings, TRUSTED_ISSUERS=""),
        said_of_settings(settings, AUTH0_DOMAIN="tenant.eu.auth0.com"),
        said_of_settings(settings, AUTH_AUDIENCE=["x"], TRUSTED_ISSUERS=twice),
    ]
    assert sorted(QUOTED) == sorted(said)


# Rules


@pytest.mark.parametrize(
    ("condition", "arguments", "comes_to"),
    re.findall(r"^\| `(arguments\.[^`]+)` \| `(\{.*\})` \| (true|false|unknown) \|$", DOCS["rules.md"], re.MULTILINE),
)
def test_conditions_in_the_guide_come_to_what_it_says(condition: str, arguments: str, comes_to: str) -> None:
    found = verdict(typed_line(condition), json.loads(arguments))
    assert {True: "true", False: "false", None: "unknown"}[found] == comes_to


@pytest.mark.django_db
@pytest.mark.parametrize(
    "command", re.findall(r"^\$ manage\.py (add_rule (?:[^\\\n]|\\\n)+)$", DOCS["rules.md"], re.MULTILINE)
)
def test_rules_in_the_guide_can_be_added(command: str) -> None:
    call_command(*shlex.split(command.replace("\\\n", " ")))
    assert not PolicyRule.objects.get().sentence().startswith("Unreadable")


def test_the_guide_to_rules_has_examples() -> None:
    assert len(re.findall(r"^\| `arguments\..*\| (?:true|false|unknown) \|$", DOCS["rules.md"], re.MULTILINE)) > 12
    assert len(re.findall(r"^\$ manage\.py add_rule", DOCS["rules.md"], re.MULTILINE)) == 4


# Settings


def examples(pattern: str) -> list[tuple[str, str]]:
    return [(name, found) for name, text in DOCS.items() for found in re.findall(pattern, text, re.MULTILINE)]


@pytest.mark.parametrize(("guide", "line"), examples(r"^TRUSTED_ISSUERS=.*$"))
def test_issuers_in_the_guides_are_taken_as_they_stand(guide: str, line: str) -> None:
    (read,) = parse(line.encode())
    (issuer,) = parse_issuers(json.loads(read.value))
    assert issuer.audiences or issuer.client_ids
    assert issuer.scope_claims


def issuer_of(guide: str) -> TrustedIssuer:
    ((_, line),) = [(name, found) for name, found in examples(r"^TRUSTED_ISSUERS=(.*)$") if name == guide]
    return parse_issuers(json.loads(line))[0]


@pytest.mark.parametrize(
    ("guide", "claims", "scopes"),
    [
        ("auth0.md", {"scope": "openid", "permissions": ["orders:read"]}, {"openid", "orders:read"}),
        ("keycloak.md", {"scope": "openid mcp", "roles": ["clerk"]}, {"openid", "mcp", "clerk"}),
        ("okta.md", {"scp": ["openid", "orders.read"], "groups": ["clerks"]}, {"openid", "orders.read", "clerks"}),
        ("cognito.md", {"scope": "mcp/orders.read", "cognito:groups": ["clerks"]}, {"mcp/orders.read", "clerks"}),
        ("entra.md", {"scp": "mcp.call"}, {"mcp.call"}),
        ("entra.md", {"roles": ["Orders.Read"]}, {"Orders.Read"}),
    ],
)
def test_rules_can_ask_for_what_the_guides_say(guide: str, claims: dict[str, Any], scopes: set[str]) -> None:
    assert token_scopes(claims, issuer_of(guide).scope_claims) == scopes


@pytest.mark.parametrize(
    ("guide", "claims"),
    [
        ("auth0.md", {"azp": "app", "gty": "client-credentials"}),
        ("keycloak.md", {"azp": "app", "typ": "Bearer"}),
        ("okta.md", {"cid": "app", "uid": "00u"}),
        ("cognito.md", {"client_id": "app", "token_use": "access"}),
        ("entra.md", {"azp": "app", "ver": "2.0"}),
    ],
)
def test_the_application_is_known_from_the_claim_that_the_issuer_has_it_in(guide: str, claims: dict[str, str]) -> None:
    assert oauth_client_id(claims, issuer_of(guide).client_id_claims) == "app"


def test_the_short_form_for_auth0_fits_the_long_one(settings: Settings) -> None:
    values = dict(re.findall(r"^ +(PUBLIC_URL|AUTH0_DOMAIN|AUTH_AUDIENCE)=(.*)$", DOCS["auth0.md"], re.MULTILINE))
    settings.PUBLIC_URL, settings.AUTH0_DOMAIN, settings.LOCAL_ISSUER = (
        values["PUBLIC_URL"],
        values["AUTH0_DOMAIN"],
        False,
    )
    settings.AUTH_AUDIENCE = values["AUTH_AUDIENCE"].split(",")
    (short,) = conf().trusted_issuers
    long = issuer_of("auth0.md")
    assert short.issuer == long.issuer
    assert set(long.audiences) <= set(short.audiences)
    assert check_issuers() == []


# Clients


def test_every_client_is_described_as_on_the_site_s_own_page() -> None:
    at = 0
    for recipe in recipes(SITE):
        for words in (recipe.name, *(word for step in (*recipe.by_browser, *recipe.by_token) for word in _said(step))):
            found = DOCS["clients.md"].find(words, at)
            assert found >= 0, f"{recipe.name}: docs/clients.md lacks, or has in another order: {words}"
            at = found


def _said(step: Any) -> list[str]:
    return [step.text, step.paste] if step.paste else [step.text]


def test_the_terminal_client_s_callback_is_what_the_guides_say() -> None:
    for guide in ("clients.md", "auth0.md"):
        assert f"`{redirect_uri(CALLBACK_PORT)}`" in DOCS[guide]


def test_commands_in_the_guides_exist() -> None:
    for guide, text in DOCS.items():
        assert set(re.findall(r"manage\.py (\w+)", text)) <= set(get_commands()), guide
        for line in re.findall(r"manage\.py mcp_client (.*)$", text, re.MULTILINE):
            words = shlex.split(line.split("|")[0].split("`")[0].rstrip("."))
            assert not words[1:] or set(words) & {*ACTIONS, "ACTION"}, line


def test_every_command_of_the_site_has_its_row() -> None:
    ours = {name for name, app in get_commands().items() if app in {"authz_app", "tools_app"}} - {"runserver"}
    assert set(re.findall(r"^\| `manage\.py (\w+)", DOCS["commands.md"], re.MULTILINE)) == ours


def test_every_make_target_that_is_named_exists_and_each_is_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {name for text in DOCS.values() for name in re.findall(r"`(?:[A-Z]+=\S+ )*make (\w+)`", text)}
    assert named <= targets
    assert targets - named <= {"help", "clean"}


# Tools


def test_the_example_tool_resource_and_prompt_work() -> None:
    before = {kind: set(registered(kind)) for kind in KINDS}
    try:
        for source in re.findall(r"```python\n(.*?)```", DOCS["tools.md"], re.DOTALL):
            exec(compile(source, "docs/tools.md", "exec"), {})
        ship = registered_tools()["ship"]
        sent = {"order": 7, "to": '{"street": "Main Street", "city": "Paris"}', "on": "2026-12-01"}
        assert ship.function(**ship.accept(ship.read(sent))) == "7 goes to Paris"
        found = resource_at("orders://7")
        assert found is not None
        order, variables = found
        assert (order.name, order.function(**order.accept(variables))["customer"]) == ("order", "Ada")
        with pytest.raises(NotFound):
            order.function("8")
        assert order.completers["number"].function("") == ["7"]
        reminder = registered("prompt")["reminder"]
        assert reminder.function(**reminder.accept({"customer": "Ada"})) == "Write a friendly reminder to Ada."
    finally:
        for kind in KINDS:
            for name in set(registered(kind)) - before[kind]:
                unregister(name, kind)


# Links, paths and the changelog


def test_paths_in_the_guides_exist() -> None:
    offenders = [
        f"{guide}: {path}"
        for guide, text in DOCS.items()
        if guide != "CHANGELOG.md"
        for path in re.findall(r"`((?:authz_app|tools_app|mcpsite|tests|templates)/[\w/.]*)`", text)
        if not (ROOT / path).exists()
    ]
    assert offenders == []


def test_links_lead_somewhere() -> None:
    offenders = [
        f"{page.name}: {target}#{anchor}"
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
        if not _leads_somewhere(page.parent / target if target else page, anchor)
    ]
    assert offenders == []


def _leads_somewhere(page: Path, anchor: str) -> bool:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE) if page.is_file() else []
    return page.is_file() and (not anchor or anchor in map(_anchor, titles))


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-")


def test_the_index_leads_to_every_guide() -> None:
    assert set(re.findall(r"\]\(([\w-]+\.md)\)", DOCS["README.md"])) == set(DOCS) - {"README.md"}


def test_the_changelog_has_what_is_unreleased_on_top_and_a_release_with_its_date() -> None:
    titles = re.findall(r"^## (.*)$", DOCS["CHANGELOG.md"], re.MULTILINE)
    assert titles[0] == "Unreleased"
    assert re.fullmatch(r"0\.1\.0, \d{4}-\d\d-\d\d", titles[-1])
    groups = re.findall(r"^### (.*)$", DOCS["CHANGELOG.md"], re.MULTILINE)
    assert "Security" in groups
    assert set(groups) <= {"Added", "Changed", "Fixed", "Security"}
