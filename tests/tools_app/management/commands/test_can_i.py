"""`manage.py can_i`: its exit code, its words, and what it refuses to answer.

Covers: authz_app.explain.simulated_principal
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from authz_app.models import Client, LimitCount, Rule
from tests.issuer import Issuer
from tests.tools_app.desk import allow

pytestmark = pytest.mark.django_db
ISSUER = "http://testserver"
Ask = Callable[..., tuple[int, str]]


@pytest.fixture
def ask() -> Ask:
    """Ask, and return the exit code and what was printed."""

    def asking(*words: str) -> tuple[int, str]:
        out = StringIO()
        try:
            call_command("can_i", *words, stdout=out)
        except SystemExit as ended:
            return int(ended.code or 0), out.getvalue()
        except CommandError as error:
            return error.returncode, str(error)
        return 0, out.getvalue()

    return asking


@pytest.fixture(autouse=True)
def ada() -> Client:
    return Client.objects.create(issuer=ISSUER, subject="ada", name="Ada")


def only_for(client: Client, tools: str, **fields: Any) -> Rule:
    rule = Rule.objects.create(tools=tools, **fields)
    rule.clients.add(client)
    return rule


def test_it_ends_with_0_where_the_client_may_and_says_why(ask: Ask, ada: Client) -> None:
    rule = only_for(ada, "echo", token_scopes="demo")
    code, said = ask("--client", "Ada", "--scope", "demo", "echo", "text=hello")
    assert code == 0
    assert said.splitlines()[0] == f"Allowed: Rule {rule.pk} allows it, and no rule denies it."
    assert '  Tool: echo, with the arguments {"text":"hello"}' in said
    assert f"  Rule {rule.pk} decides: Allow Ada to call echo, with the token scope demo." in said
    assert "    true    the token scope demo: The token carries it." in said


def test_it_ends_with_1_where_the_client_may_not_and_says_what_is_missing(ask: Ask, ada: Client) -> None:
    rule = only_for(ada, "echo", token_scopes="demo")
    code, said = ask("--subject", "ada", "echo")
    assert code == 1
    assert f"The token lacks the token scope demo, with which rule {rule.pk} would allow it." in said
    assert "    false   the token scope demo: The token lacks it." in said


@pytest.mark.parametrize(
    ("condition", "words", "code"),
    [
        ("arguments.text equals 5", ["text=5"], 1),  # The schema says that it is a text.
        ('arguments.text equals "5"', ["text=5"], 0),
        ("arguments.text equals 5", ["text:=5"], 0),
        ("arguments.text equals hello", [], 0),  # Some would do.
        ("arguments.text equals hello", ["--arguments", "{}"], 1),
        ("arguments.text equals hello", ["--arguments", '{"text": "hello"}'], 0),
        ("claims.org equals acme", ["--claims", '{"org": "acme"}'], 0),
        ("claims.org equals acme", [], 1),
        ("annotations.readOnlyHint equals true", [], 0),
    ],
)
def test_arguments_and_claims_are_what_rules_ask_about(ask: Ask, condition: str, words: list[str], code: int) -> None:
    call_command(
        "add_rule", "--effect=allow", "--every-client", "--tool=echo", f"--condition={condition}", stdout=StringIO()
    )
    assert ask("--subject", "ada", "echo", *words)[0] == code


def test_a_resource_is_named_by_its_uri_or_its_name_and_a_prompt_takes_texts(ask: Ask) -> None:
    allow("note", kind="resource")
    allow("poem", kind="prompt")
    assert ask("--subject=ada", "--kind=resource", "notes://a/1")[0] == 0
    assert ask("--subject=ada", "--kind=resource", "note")[0] == 0
    assert ask("--subject=ada", "--kind=resource", "notes://welcome")[0] == 1
    assert ask("--subject=ada", "--kind=prompt", "poem", "about=5")[0] == 0
    assert ask("--subject=ada", "--kind=prompt", "nothing")[0] == 1


def the_next_millisecond() -> datetime:
    """A moment after all that has happened, and before all that is still to come, by SQLite's clock as well as ours."""
    begun = timezone.now()
    before = begun + timedelta(milliseconds=1)
    while timezone.now() < before + timedelta(milliseconds=1):
        pass
    return before


def test_another_moment_is_under_the_policy_of_then(ask: Ask) -> None:
    soon = timezone.now() + timedelta(hours=1)
    allow("echo", valid_until=soon)
    assert ask("--subject=ada", "echo", "--at", (soon - timedelta(minutes=1)).isoformat())[0] == 0
    assert ask("--subject=ada", "echo", "--at", soon.isoformat())[0] == 1
    before = the_next_millisecond()
    Rule.objects.all().delete()
    assert ask("--subject=ada", "echo")[0] == 1
    assert ask("--subject=ada", "echo", "--at", before.isoformat())[0] == 0


def test_a_limit_that_is_spent_hides_nothing_and_is_told_of(ask: Ask, ada: Client) -> None:
    allow("echo")
    limit = Rule.objects.create(
        effect="limit", tools="echo", applies_to="every", limit_calls=1, limit_period="hour", limit_per="client"
    )
    spent = LimitCount.objects.create(
        rule_id=limit.pk,
        client_id=ada.pk,
        calls=json.dumps([[time.time(), 1]]),
        until=time.time() + 3600,
    )
    code, said = ask("--subject=ada", "echo")
    assert code == 0
    assert f"Until the limit of rule {limit.pk} lets more through, calls are refused." in said.splitlines()[0]
    assert ask("--subject=ada", "echo", "text=hello")[0] == 1
    assert ask("--subject=ada", "--list") == (0, "tool echo\n")
    spent.delete()
    assert "Until" not in ask("--subject=ada", "echo")[1]


def test_it_lists_what_the_client_may_use(ask: Ask, ada: Client) -> None:
    assert ask("--subject=ada", "--list") == (1, "Nothing.\n")
    allow("echo")
    allow("poem", kind="prompt")
    only_for(ada, "echo_async")
    assert ask("--subject=ada", "--list") == (0, "tool echo\ntool echo_async\nprompt poem\n")
    assert json.loads(ask("--subject=bob", "--list", "--json")[1]) == [
        {"kind": "tool", "name": "echo"},
        {"kind": "prompt", "name": "poem"},
    ]
    assert not Client.objects.filter(subject="bob").exists()


def test_it_lists_apart_what_is_listed_to_those_who_lack_only_token_scopes(ask: Ask, ada: Client) -> None:
    allow("echo", token_scopes="demo", listed_without_scopes=True)
    assert ask("--subject=ada", "--list") == (1, "tool echo (listed, but lacks the token scope 'demo')\n")
    assert json.loads(ask("--subject=ada", "--list", "--json")[1]) == [
        {"kind": "tool", "name": "echo", "lacks": "'demo'"}
    ]
    assert ask("--subject=ada", "--list", "--scope=demo") == (0, "tool echo\n")


def test_a_token_from_standard_input_is_verified_and_not_repeated(
    ask: Ask, issuer: Issuer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = issuer.trusted()
    one = {"issuer": trusted.issuer, "audiences": list(trusted.audiences), "jwks_uri": trusted.jwks_uri}
    settings.TRUSTED_ISSUERS = json.dumps([one])
    allow("echo", token_scopes="demo")
    for scope, exp, code in (("demo", {}, 0), ("other", {}, 1), ("demo", {"exp": 1_000_000_000}, 2)):
        token = issuer.token(scope=scope, **exp)
        monkeypatch.setattr(sys, "stdin", StringIO(f"{token}\n"))
        ended, said = ask("--token", "-", "echo", "--json")
        assert ended == code
        assert token not in said
        assert token.split(".")[2] not in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["echo"], "Say who is meant: a client, the claims of a token, or a token."),
        (["--subject=ada"], "Say what is to be called: the name of a tool. Or --list, for all that may be."),
        (["--client=Bob", "echo"], "There is no client called 'Bob'."),
        (["--client=Ada", "--subject=ada", "echo"], "Name the client by --client, or by --issuer and --subject"),
        (["--issuer=x", "echo"], "--issuer says whose the --subject is"),
        (["--issuer=https://x", "--subject=ada", "echo"], "No such caller gets in. The issuer 'https://x' is not"),
        (["--claims={", "echo"], "--claims is no JSON: Expecting property name"),
        (["--claims=[1]", "echo"], "--claims takes a JSON object"),
        (["--claims={}", "echo"], "No such caller gets in."),
        (["--subject=ada", '--claims={"sub": "bob"}', "echo"], "These are the claims of another client"),
        (["--subject=ada", '--claims={"scope": 5}', "echo"], "No such caller gets in."),
        (["--subject=ada", "--arguments=5", "echo"], "--arguments takes a JSON object"),
        (["--subject=ada", "--arguments={}", "echo", "text=a"], "Give the arguments as key=value or by --arguments"),
        (["--subject=ada", "echo", "nonsense=a"], "echo has no argument 'nonsense'."),
        (["--subject=ada", "--list", "echo"], "--list is about everything"),
        (["--subject=ada", "echo", "--at=yesterday"], "--at 'yesterday' is no time"),
        (["--subject=ada", "echo", "--at=2001-01-01"], "The history of the policy begins at"),
        (["--subject=ada", "--token=a.b.c", "echo"], "A token says all by itself"),
        (["--token=a b", "echo"], "The token given is empty or has characters that no access token has."),
        (["--token=abc", "echo"], "This is an opaque token"),
    ],
)
def test_a_question_that_is_no_good_ends_with_2_and_says_what_to_mend(
    ask: Ask, words: list[str], complaint: str
) -> None:
    code, said = ask(*words)
    assert said.startswith(complaint)
    assert code == 2


def test_a_name_that_several_clients_have_is_not_guessed(ask: Ask) -> None:
    Client.objects.create(issuer="https://other.example/", subject="ada", name="Other")
    assert ask("--client=ada", "echo") == (
        2,
        "There are several clients called 'ada': name one by --issuer and --subject.",
    )
