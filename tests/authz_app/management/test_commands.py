"""The commands for scripts and for `make run`: access_token, add_rule, demo."""

import os
import re
import shlex
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import jwt
import pytest
from allauth.idp.oidc.models import Client as OAuthApplication
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from authz_app.conf import conf
from authz_app.embedded_issuer.applications import ensure_service
from authz_app.models import Client, Rule, User
from authz_app.policy.decision import Decision, Reason, Target
from authz_app.policy.policy import decide
from authz_app.policy.principal import Principal
from authz_app.policy_store.loading import load
from authz_app.tokens.signing_key import key_path, public_jwks

pytestmark = pytest.mark.django_db
LOCAL = "http://testserver"


@pytest.fixture(autouse=True)
def data_dir(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path


def run(*arguments: str) -> str:
    """What the command prints to stdout."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err, no_color=True)
    run.stderr = err.getvalue()  # type: ignore[attr-defined]
    return out.getvalue()


def refusal(*arguments: str) -> str:
    with pytest.raises(CommandError) as refused:
        run(*arguments)
    return str(refused.value)


def claims_of(token: str) -> dict[str, Any]:
    (key,) = public_jwks()["keys"]
    audience = conf().resource_identifiers
    claims: dict[str, Any] = jwt.decode(
        token, jwt.PyJWK(key), algorithms=["RS256"], audience=audience, issuer=conf().public_url
    )
    return claims


def decision(subject: str, tool: str, *token_scopes: str, issuer: str = LOCAL) -> Decision:
    """What the stored policy says of a call."""
    policy = load()
    principal = Principal(issuer, subject, "", frozenset(token_scopes), 0)
    return decide(principal, policy.clients[issuer, subject], Target("tool", tool, True, True), {}, policy, 0.0)


def allowed(subject: str, tool: str, *token_scopes: str, issuer: str = LOCAL) -> bool:
    return decision(subject, tool, *token_scopes, issuer=issuer).allowed


class TestAccessToken:
    def test_prints_the_token_alone(self) -> None:
        ensure_service("demo", ["read", "write"])
        printed = run("access_token", "--scope", "read", "--scope", "write", "--lifetime", "90")
        assert printed.count("\n") == 1
        claims = claims_of(printed.strip())
        assert claims["scope"] == "read write"
        assert claims["exp"] - claims["iat"] == 90
        assert "for demo, good for 90 seconds" in run.stderr  # type: ignore[attr-defined]

    def test_is_for_the_named_application(self) -> None:
        ensure_service("robot", [])
        claims = claims_of(run("access_token", "--client", "robot").strip())
        assert (claims["sub"], claims["client_id"]) == ("robot@clients", "robot")

    def test_names_the_applications_that_there_are(self) -> None:
        assert "There is none yet: manage.py demo makes the first." in refusal("access_token")
        ensure_service("robot", [])
        ensure_service("crawler", [])
        assert "Known are: crawler, robot." in refusal("access_token", "--client", "nobody")

    def test_refuses_scopes_that_the_application_may_not_ask_for(self) -> None:
        ensure_service("demo", ["read"])
        assert "It may ask for read;" in refusal("access_token", "--scope", "admin")

    @pytest.mark.parametrize("lifetime", ["0", "-5", "1e3", "x", "31622401", "²"])
    def test_refuses_lifetimes_that_are_none(self, lifetime: str) -> None:
        assert "is not a number of seconds from 1 to" in refusal("access_token", f"--lifetime={lifetime}")

    def test_says_that_the_embedded_issuer_is_off(self, settings: Any) -> None:
        settings.LOCAL_ISSUER = False
        assert "The embedded issuer is off" in refusal("access_token")
        assert not key_path().exists()

    def test_says_what_is_wrong_with_the_key(self) -> None:
        ensure_service("demo", [])
        public_jwks()
        key_path().chmod(0o644)
        assert "http://testserver does not use its key file" in refusal("access_token")


class TestAddRule:
    def test_names_new_clients_of_the_embedded_issuer(self) -> None:
        printed = run(
            "add_rule", "--effect", "allow", "--subject", "robot@clients", "--subject", "7", "--tool", "Time*"
        )
        assert printed == f"Rule {Rule.objects.get().pk}: Allow 7 and robot@clients to call Time*.\n"
        kinds = {client.subject: client.kind for client in Client.objects.filter(issuer=LOCAL)}
        assert kinds == {"robot@clients": "service", "7": "person"}
        assert allowed("7", "TimeTool")
        assert not allowed("7", "weather_tool")

    def test_takes_issuer_scopes_and_note(self) -> None:
        options = ["--issuer", "https://issuer.example/", "--subject", "auth0|x", "--tool", "a", "b", "--scope", "s"]
        run("add_rule", "--effect", "allow", *options, "--scope", "t", "--note", "Because.")
        assert allowed("auth0|x", "b", "s", "t", issuer="https://issuer.example/")
        assert decision("auth0|x", "b", "s", issuer="https://issuer.example/").reason is Reason.SCOPE_MISSING
        assert Rule.objects.get().note == "Because."
        assert "No issuer https://issuer.example/ is trusted here" in run.stderr  # type: ignore[attr-defined]

    def test_keeps_existing_clients_as_they_are(self) -> None:
        Client.objects.create(issuer=LOCAL, subject="x", name="Xenia", status=Client.Status.BLOCKED)
        printed = run("add_rule", "--effect", "allow", "--subject", "x", "--tool", "*")
        assert "Allow Xenia to call every tool." in printed
        assert "Xenia is blocked" in run.stderr  # type: ignore[attr-defined]
        assert not allowed("x", "TimeTool")

    def test_does_not_make_clients_active_whose_issuer_starts_them_as_pending(self, settings: Any) -> None:
        settings.TRUSTED_ISSUERS = '[{"issuer": "https://i.example", "audiences": ["a"], "new_clients": "pending"}]'
        run("add_rule", "--effect", "allow", "--every-client", "--tool", "*")
        run("add_rule", "--effect", "deny", "--issuer", "https://i.example", "--subject", "x", "--tool", "weather_tool")
        assert decision("x", "TimeTool", issuer="https://i.example").reason is Reason.CLIENT_PENDING

    def test_deny_for_every_client_beats_what_is_allowed(self) -> None:
        run("add_rule", "--effect", "allow", "--subject", "x", "--tool", "*")
        assert allowed("x", "TimeTool")
        printed = run("add_rule", "--effect", "deny", "--every-client", "--tool", "TimeTool")
        assert "Deny every client to call TimeTool." in printed
        assert not allowed("x", "TimeTool")
        assert allowed("x", "weather_tool")

    def test_speaks_of_resources_or_prompts_where_it_is_told_to(self) -> None:
        printed = run("add_rule", "--effect", "allow", "--every-client", "--kind", "prompt", "--name", "TimeTool")
        assert "Allow every client to use the prompt TimeTool." in printed
        assert "TimeTool matches no registered prompt." in run.stderr  # type: ignore[attr-defined]
        assert Rule.objects.get().kind == "prompt"

    def test_takes_conditions_a_window_and_a_limit(self) -> None:
        window = ["--from", "2026-12-24T08:00+01:00", "--until", "2026-12-24 09:00"]
        conditions = ["--condition", "arguments.city in Paris, Rome", "--condition", "claims.org exists"]
        limit = ["--limit", "100/minute", "--together"]
        printed = run("add_rule", "--effect", "limit", *limit, "--every-client", "--tool", "*", *conditions, *window)
        assert (
            "Limit all clients together to 100 calls of any tool a minute, if arguments.city is one of"
            ' "Paris", "Rome" and claims.org is there, or if that is unknown,'
            " from 2026-12-24 07:00 until 2026-12-24 09:00 UTC."
        ) in printed

    def test_notes_a_window_that_never_opens(self) -> None:
        run("add_rule", "--effect", "allow", "--every-client", "--tool", "*", "--until", "2020-01-01")
        assert "It has ended already" in run.stderr  # type: ignore[attr-defined]
        window = ["--from", "2080-01-02", "--until", "2080-01-02"]
        run("add_rule", "--effect", "allow", "--every-client", "--tool", "*", *window)
        assert "It ends before it begins" in run.stderr  # type: ignore[attr-defined]
        assert Rule.objects.count() == 2

    def test_notes_what_matches_no_tool(self) -> None:
        run("add_rule", "--effect", "allow", "--every-client", "--tool", "TimeTool", "no_such_*")
        assert "no_such_* matches no registered tool." in run.stderr  # type: ignore[attr-defined]
        assert "TimeTool matches" not in run.stderr  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            ("--effect allow --tool x", "Say for whom"),
            ("--effect allow --tool x --subject a --every-client", "but not both"),
            ("--effect allow --tool x --issuer https://i --every-client", "leave --issuer out"),
            ("--effect allow --subject a", "Say which tools"),
            ("--effect allow --subject a --tool 'x y'", "has no space in it"),
            ("--effect allow --subject a --tool 'x\n*'", "has no space in it"),
            ("--effect allow --subject a --tool ''", "is never empty"),
            ("--effect allow --subject a --tool x --scope 'r w'", "has no space in it"),
            ("--effect allow --subject a --tool x --scope ''", "is never empty"),
            ("--effect allow --subject a --tool x --scope 'r\"'", "is no token scope"),
            ("--effect allow --subject a --tool 'x$'", "is no name"),
            ("--effect allow --subject '' --tool x", "no token can carry it"),
            ("--effect allow --issuer '\x07' --subject a --tool x", "no token can carry it"),
            ("--effect allow --subject a --tool x --note", "expected one argument"),
            ("--effect maybe --subject a --tool x", "invalid choice: 'maybe'"),
            ("--effect limit --subject a --tool x", "belong together"),
            ("--effect allow --limit 1/minute --subject a --tool x", "belong together"),
            ("--effect deny --together --subject a --tool x", "it needs --effect limit"),
            ("--effect limit --limit 100 --subject a --tool x", "a number and a period"),
            ("--effect limit --limit ten/day --subject a --tool x", "a number and a period"),
            ("--effect limit --limit 0/day --subject a --tool x", "greater than or equal to 1"),
            ("--effect allow --condition 'city equals Paris' --subject a --tool x", "is no condition"),
            ("--effect allow --condition arguments.city --subject a --tool x", "is no condition"),
            ("--effect allow --condition 'arguments.n equals' --subject a --tool x", "equals needs a value"),
            ("--effect allow --until tomorrow --subject a --tool x", "--until: Enter a valid date/time."),
            ("--subject a --tool x", "arguments are required: --effect"),
        ],
    )
    def test_mistakes_are_sentences_and_change_nothing(self, arguments: str, sentence: str) -> None:
        assert sentence in refusal("add_rule", *shlex.split(arguments))
        assert not Rule.objects.exists()
        assert not Client.objects.exists()

    def test_needs_an_issuer_where_the_embedded_one_is_off(self, settings: Any) -> None:
        settings.LOCAL_ISSUER = False
        assert "Say whose subjects these are" in refusal(
            "add_rule", "--effect", "allow", "--subject", "a", "--tool", "x"
        )


def printed_token(printed: str) -> str:
    return re.findall(r"--token (ey\S+) ", printed)[0]


class TestDemo:
    def test_first_run_lets_in_who_reads_it(self, client: Browser) -> None:
        password = re.findall(r"admin, password (\S+) \(shown this once\)", run("demo"))[0]
        assert client.login(username="admin", password=password)
        assert User.objects.get(username="admin").is_superuser

    def test_later_runs_print_no_password_and_change_nothing(self) -> None:
        run("demo")
        before = list(User.objects.values())
        again = run("demo")
        assert "password was printed on the first run; `manage.py changepassword admin` sets a new one" in again
        assert list(User.objects.values()) == before
        assert (Rule.objects.count(), Client.objects.count(), OAuthApplication.objects.count()) == (1, 1, 1)

    def test_password_can_be_set_anew(self, client: Browser) -> None:
        assert "There is no user admin" in refusal("demo", "--force-password-reset")
        run("demo")
        password = re.findall(r"admin, password (\S+) ", run("demo", "--force-password-reset"))[0]
        assert client.login(username="admin", password=password)

    def test_makes_no_administrator_beside_an_existing_one(self) -> None:
        User.objects.create_superuser("carol", password="x")
        assert "with your own account" in run("demo")
        assert not User.objects.filter(username="admin").exists()

    def test_prints_one_command_that_calls_a_tool(self) -> None:
        printed = run("demo")
        assert "http://testserver/admin/" in printed
        (command,) = [line for line in printed.splitlines() if "call TimeTool" in line]
        words = shlex.split(command)
        assert words[:4] == [
            os.path.relpath(sys.executable),
            os.path.relpath("manage.py"),
            "mcp_client",
            f"{LOCAL}/sse",
        ]
        assert words[4] == "--token"
        assert words[6:] == ["call", "TimeTool", "input_timezone=Asia/Kolkata"]
        assert claims_of(words[5])["sub"] == "demo@clients"

    def test_demo_client_may_call_the_time_tool_and_nothing_else(self) -> None:
        claims = claims_of(printed_token(run("demo")))
        assert allowed(claims["sub"], "TimeTool", issuer=claims["iss"])
        assert decision(claims["sub"], "weather_tool", issuer=claims["iss"]).reason is Reason.NO_RULE
        assert Client.objects.get().name == "demo"

    def test_blocked_demo_client_stays_blocked(self) -> None:
        run("demo")
        Client.objects.update(status=Client.Status.BLOCKED)
        assert "The demo client is blocked now, so every call is refused." in run("demo")
        assert not allowed("demo@clients", "TimeTool")

    def test_changed_rule_stays_changed(self) -> None:
        run("demo")
        Rule.objects.update(tools="weather_tool")
        run("demo")
        assert not allowed("demo@clients", "TimeTool")

    def test_deleted_rule_stays_deleted(self) -> None:
        run("demo")
        Rule.objects.all().delete()
        run("demo")
        assert not Rule.objects.exists()

    def test_deleted_client_stays_deleted(self) -> None:
        run("demo")
        Rule.objects.all().delete()
        Client.objects.all().delete()
        run("demo")
        assert not Rule.objects.exists()
        assert not Client.objects.exists()

    def test_deleted_application_stays_deleted(self, settings: Any) -> None:
        run("demo")
        OAuthApplication.objects.all().delete()
        assert "was deleted, and stays so" in run("demo")
        settings.PUBLIC_URL = "http://testserver:9000"
        assert "--token" not in run("demo")
        assert not OAuthApplication.objects.exists()

    def test_another_public_url_gets_a_client_of_its_own(self, settings: Any) -> None:
        run("demo")
        settings.PUBLIC_URL = "http://testserver:9000"
        claims = claims_of(printed_token(run("demo")))
        assert claims["iss"] == "http://testserver:9000"
        assert allowed("demo@clients", "TimeTool", issuer="http://testserver:9000")
        Rule.objects.all().delete()
        run("demo")
        settings.PUBLIC_URL = LOCAL
        run("demo")
        assert not Rule.objects.exists()

    def test_client_that_is_known_already_is_allowed_nothing(self, settings: Any) -> None:
        run("demo")
        Client.objects.create(issuer="http://testserver:9000", subject="demo@clients", status=Client.Status.BLOCKED)
        settings.PUBLIC_URL = "http://testserver:9000"
        run("demo")
        assert not Rule.objects.filter(clients__issuer="http://testserver:9000").exists()

    def test_application_of_the_same_name_that_somebody_else_made_is_allowed_nothing(self) -> None:
        ensure_service("demo", [])
        run("demo")
        assert not Rule.objects.exists()

    def test_withdrawn_grant_is_told(self) -> None:
        run("demo")
        OAuthApplication.objects.update(grant_types="authorization_code")
        assert "may not use the client_credentials grant" in run("demo")

    def test_without_the_embedded_issuer_there_is_only_the_administrator(self, settings: Any) -> None:
        settings.LOCAL_ISSUER = False
        printed = run("demo")
        assert "admin, password" in printed
        assert "The embedded issuer is off" in printed
        assert not OAuthApplication.objects.exists()
        assert not key_path().exists()
