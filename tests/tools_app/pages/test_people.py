"""The connect page, and the page of a person who is signed in.

Covers: tools_app.pages.urls, mcpsite.urls
"""

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.test import Client as Browser
from pytest_django import Settings

from authz_app.embedded_issuer.subjects import client_of, user_subject
from authz_app.models import CallRecord, Client, Rule, User
from tests.rows import build_record, build_refusal, make_client, make_rule
from tools_app.pages.people import offered
from tools_app.registry import registered

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def dana(client: Browser) -> User:
    user: User = User.objects.create_user("dana", first_name="Dana", last_name="Whitfield")
    client.force_login(user)
    return user


def row_of(user: User, **fields: str) -> Client:
    return make_client(user.username, issuer="http://testserver", subject=user_subject(user), **fields)


def test_anybody_is_told_how_to_connect(client: Browser, settings: Settings) -> None:
    page = client.get("/connect/").content.decode()
    for name in (
        "Claude Code",
        "Claude Desktop",
        "Cursor",
        "VS Code",
        "Inspector",
        "mcp-remote",
        "Python",
        "TypeScript",
    ):
        assert name in page
    assert f"{settings.PUBLIC_URL}/mcp" in page
    assert f"{settings.PUBLIC_URL}/sse" in page


def test_one_s_own_page_is_for_who_is_signed_in(client: Browser) -> None:
    assert client.get("/me/")["Location"] == "/sign-in/?next=/me/"


def test_a_person_without_rules_is_told_whom_to_ask_and_under_which_subject(
    client: Browser, dana: User, settings: Settings
) -> None:
    page = client.get("/me/").content.decode()
    assert "no rule allows you anything" in page
    assert settings.CONTACT in page
    assert user_subject(dana) in page
    assert "Dana Whitfield" in page


def test_what_a_person_may_call_is_what_is_decided(client: Browser, dana: User) -> None:
    make_rule(row_of(dana), tools="echo\nweather_tool")
    make_rule(effect=Rule.Effect.DENY, applies_to=Rule.AppliesTo.EVERY_CLIENT, tools="weather_*")
    make_rule(applies_to=Rule.AppliesTo.EVERY_CLIENT, tools="whoami", token_scopes="who where")
    make_rule(make_client("Somebody else"), tools="TimeTool")
    prompt, resource = next(iter(registered("prompt"))), next(iter(registered("resource")))
    make_rule(client_of(dana), tools=prompt, kind="prompt")
    make_rule(client_of(dana), tools=resource, kind="resource")
    found = {(one.kind, one.name): one.token_scopes for one in offered(dana)}
    assert found == {
        ("tool", "echo"): (),
        ("tool", "whoami"): ("where who",),
        ("prompt", prompt): (),
        ("resource", resource): (),
    }
    page = client.get("/me/").content.decode()
    assert "echo" in page
    assert "Needs the token scope" in page
    assert "weather_tool" not in page


@pytest.mark.parametrize(("status", "words"), [("blocked", "You are blocked here"), ("pending", "You wait until")])
def test_a_person_who_is_not_active_is_told_so(client: Browser, dana: User, status: str, words: str) -> None:
    make_rule(row_of(dana, status=status), tools="echo")
    page = client.get("/me/").content.decode()
    assert words in page
    assert "<code>echo</code>" not in page


def test_only_one_s_own_calls_are_shown(client: Browser, dana: User) -> None:
    own, other = row_of(dana), make_client("Somebody else")
    foreign = make_client("Namesake", issuer="https://elsewhere.example", subject=user_subject(dana))
    refusal = build_refusal(own, tool="refused_tool")
    CallRecord.objects.bulk_create(
        [
            build_record(own, tool="own_tool"),
            refusal,
            build_record(other, tool="other_tool"),
            build_record(foreign, tool="foreign_tool"),
        ]
    )
    page = client.get("/me/").content.decode()
    assert "own_tool" in page
    assert f'href="/r/{refusal.pk}"' in page
    assert "other_tool" not in page
    assert "foreign_tool" not in page


def test_what_strangers_sent_is_escaped(client: Browser, dana: User) -> None:
    build_refusal(row_of(dana), tool="<script>alert(1)</script>", client_software="<b>\u202e").save()
    page = client.get("/me/").content.decode()
    assert "<script>alert" not in page
    assert "<b>" not in page
    assert "\u202e" not in page


def connected(user: User, name: str) -> OAuthApplication:
    application = OAuthApplication.objects.create(pk=name, name=name)
    token = Token(type=Token.Type.REFRESH_TOKEN, client=application, user=user)
    token.set_value(f"{user.username} at {name}")
    token.save()
    return application


def test_a_person_disconnects_an_application_of_their_own_and_no_other_person_s(client: Browser, dana: User) -> None:
    mallory = User.objects.create_user("mallory")
    connected(dana, "one")
    connected(dana, "two")
    Token.objects.create(type=Token.Type.REFRESH_TOKEN, client_id="one", user=mallory, hash="0")
    page = client.post("/me/disconnect/", {"application": "one"}, follow=True).content.decode()
    assert "Disconnected." in page
    assert 'value="two"' in page
    assert 'value="one"' not in page
    assert list(Token.objects.order_by("client").values_list("client", "user__username")) == [
        ("one", "mallory"),
        ("two", "dana"),
    ]


def test_pages_of_people_are_framed_by_nobody(client: Browser, dana: User) -> None:
    for path in ("/", "/connect/", "/me/", "/sign-in/", "/device", "/sign-out/", "/r/nonsense"):
        answer = client.get(path)
        if answer.status_code == 302:
            continue
        assert answer["X-Frame-Options"] == "DENY", path
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"], path
        assert "no-cache" in answer["Cache-Control"], path
