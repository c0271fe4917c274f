"""`manage.py add_rule` adds what the admin's form would, and refuses what that refuses."""

import shlex
from typing import Any

import pytest

from authz_app.models import Client, Rule
from authz_app.policy.decision import Reason
from tests.authz_app.management.running import LOCAL, allowed, decision, refusal, run

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def test_names_new_clients_of_the_embedded_issuer() -> None:
    printed = run("add_rule", "--effect", "allow", "--subject", "robot@clients", "--subject", "7", "--tool", "Time*")
    assert printed == f"Rule {Rule.objects.get().pk}: Allow 7 and robot@clients to call Time*.\n"
    kinds = {client.subject: client.kind for client in Client.objects.filter(issuer=LOCAL)}
    assert kinds == {"robot@clients": "service", "7": "person"}
    assert allowed("7", "TimeTool")
    assert not allowed("7", "weather_tool")


def test_takes_issuer_scopes_and_note() -> None:
    options = ["--issuer", "https://issuer.example/", "--subject", "auth0|x", "--tool", "a", "b", "--scope", "s"]
    run("add_rule", "--effect", "allow", *options, "--scope", "t", "--note", "Because.")
    assert allowed("auth0|x", "b", "s", "t", issuer="https://issuer.example/")
    assert decision("auth0|x", "b", "s", issuer="https://issuer.example/").reason is Reason.SCOPE_MISSING
    assert Rule.objects.get().note == "Because."
    assert "No issuer https://issuer.example/ is trusted here" in run.stderr  # type: ignore[attr-defined]


def test_lists_to_those_who_lack_only_the_scopes_where_it_is_told_to() -> None:
    options = ["--every-client", "--tool", "a", "--listed-without-scopes"]
    printed = run("add_rule", "--effect", "allow", *options, "--scope", "s", "t")
    assert "with the token scopes s and t; listed also to those who lack only the scopes." in printed
    assert Rule.objects.get().listed_without_scopes
    for more in (["--effect", "allow"], ["--effect", "deny", "--scope", "s"]):
        assert "it needs --scope" in refusal("add_rule", *options, *more)


def test_keeps_existing_clients_as_they_are() -> None:
    Client.objects.create(issuer=LOCAL, subject="x", name="Xenia", status=Client.Status.BLOCKED)
    printed = run("add_rule", "--effect", "allow", "--subject", "x", "--tool", "*")
    assert "Allow Xenia to call every tool." in printed
    assert "Xenia is blocked" in run.stderr  # type: ignore[attr-defined]
    assert not allowed("x", "TimeTool")


def test_does_not_make_clients_active_whose_issuer_starts_them_as_pending(settings: Any) -> None:
    settings.TRUSTED_ISSUERS = '[{"issuer": "https://i.example", "audiences": ["a"], "new_clients": "pending"}]'
    run("add_rule", "--effect", "allow", "--every-client", "--tool", "*")
    run("add_rule", "--effect", "deny", "--issuer", "https://i.example", "--subject", "x", "--tool", "weather_tool")
    assert decision("x", "TimeTool", issuer="https://i.example").reason is Reason.CLIENT_PENDING


def test_deny_for_every_client_beats_what_is_allowed() -> None:
    run("add_rule", "--effect", "allow", "--subject", "x", "--tool", "*")
    assert allowed("x", "TimeTool")
    printed = run("add_rule", "--effect", "deny", "--every-client", "--tool", "TimeTool")
    assert "Deny every client to call TimeTool." in printed
    assert not allowed("x", "TimeTool")
    assert allowed("x", "weather_tool")


def test_speaks_of_resources_or_prompts_where_it_is_told_to() -> None:
    printed = run("add_rule", "--effect", "allow", "--every-client", "--kind", "prompt", "--name", "TimeTool")
    assert "Allow every client to use the prompt TimeTool." in printed
    assert "TimeTool matches no registered prompt." in run.stderr  # type: ignore[attr-defined]
    assert Rule.objects.get().kind == "prompt"


def test_takes_conditions_a_window_and_a_limit() -> None:
    window = ["--from", "2026-12-24T08:00+01:00", "--until", "2026-12-24 09:00"]
    conditions = ["--condition", "arguments.city in Paris, Rome", "--condition", "claims.org exists"]
    limit = ["--limit", "100/minute", "--together"]
    printed = run("add_rule", "--effect", "limit", *limit, "--every-client", "--tool", "*", *conditions, *window)
    assert (
        "Limit all clients together to 100 calls of any tool a minute, if arguments.city is one of"
        ' "Paris", "Rome" and claims.org is there, or if that is unknown,'
        " from 2026-12-24 07:00 until 2026-12-24 09:00 UTC."
    ) in printed


def test_notes_a_window_that_never_opens() -> None:
    run("add_rule", "--effect", "allow", "--every-client", "--tool", "*", "--until", "2020-01-01")
    assert "It has ended already" in run.stderr  # type: ignore[attr-defined]
    window = ["--from", "2080-01-02", "--until", "2080-01-02"]
    run("add_rule", "--effect", "allow", "--every-client", "--tool", "*", *window)
    assert "It ends before it begins" in run.stderr  # type: ignore[attr-defined]
    assert Rule.objects.count() == 2


def test_notes_what_matches_no_tool() -> None:
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
def test_mistakes_are_sentences_and_change_nothing(arguments: str, sentence: str) -> None:
    assert sentence in refusal("add_rule", *shlex.split(arguments))
    assert not Rule.objects.exists()
    assert not Client.objects.exists()


def test_needs_an_issuer_where_the_embedded_one_is_off(settings: Any) -> None:
    settings.LOCAL_ISSUER = False
    assert "Say whose subjects these are" in refusal("add_rule", "--effect", "allow", "--subject", "a", "--tool", "x")
