"""The pages that explain decisions: who may ask, what comes back with the page, and what does not.

Covers: tools_app.pages.explain_form
"""

import json
import logging
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client as Browser

from authz_app.models import CallRecord, Client, Rule, User
from authz_app.policy.condition_syntax import stored, typed_line
from authz_app.policy_store import loading
from tests.issuer import Issuer
from tests.rows import build_record, build_refusal
from tests.tools_app.desk import allow

pytestmark = pytest.mark.django_db
ISSUER, PAGE = "http://testserver", "/admin/explain/"


@pytest.fixture(autouse=True)
def ada() -> Client:
    return Client.objects.create(issuer=ISSUER, subject="ada", name="Ada")


def staff(browser: Browser, *codenames: str) -> Browser:
    user = User.objects.create_user("member", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    browser.force_login(user)
    return browser


@pytest.fixture
def editor(client: Browser) -> Browser:
    return staff(client, "explain_decision", "view_client", "view_rule")


def asked(browser: Browser, **form: Any) -> Any:
    return browser.post(PAGE, {"kind": "tool", "name": "echo", **form})


def test_explaining_with_another_s_identity_needs_its_own_permission(client: Browser) -> None:
    staff(client, "view_client", "view_rule", "change_rule", "view_callrecord")
    assert client.get(PAGE).status_code == 403
    assert asked(client, claims="{}").status_code == 403
    assert PAGE not in client.get("/admin/").content.decode()


def test_nobody_who_is_not_signed_in_is_answered(client: Browser) -> None:
    for response in (client.get(PAGE), asked(client)):
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


def test_the_verdict_comes_first_then_the_rules_that_decided_then_the_others(editor: Browser, ada: Client) -> None:
    assert PAGE in editor.get("/admin/").content.decode()
    denies, allows = allow("e*", effect="deny", note="no"), allow("echo")
    page = asked(editor, client=ada.pk, arguments="{}").content.decode()
    order = [
        page.index(text)
        for text in (
            ">Denied<",
            "The rule that decided",
            f"rule/{denies.pk}/change",
            "1 other rule that concerns it",
            f"rule/{allows.pk}/change",
            "Who calls",
        )
    ]
    assert order == sorted(order)
    assert '<details class="panel">' in page


@pytest.mark.parametrize(
    ("form", "field", "complaint"),
    [
        ({"claims": "{"}, "claims", "This is no JSON: Expecting property name"),
        ({"claims": "[]"}, "claims", "This is no JSON object"),
        ({"claims": '{"sub": "x"}', "client": True}, "claims", "These are the claims of another client"),
        ({"arguments": "5", "client": True}, "arguments", "This is no JSON object"),
        ({"arguments": '{"a": 1, "a": 2}', "client": True}, "arguments", "two members of the same name"),
        ({"name": " ", "client": True}, "name", "This field is required."),
        ({"kind": "thing", "client": True}, "kind", "Select a valid choice."),
        ({"client": "777777"}, "client", "Select a valid choice."),
        ({}, "client", "Say who is meant"),
        ({"at_0": "2001-01-01", "at_1": "10:00", "client": True}, "at", "The history of the policy begins at"),
        ({"at_0": "soon", "at_1": "", "client": True}, "at", "Enter a valid"),
        ({"token": "abc"}, "token", "This is an opaque token"),
        ({"token": "a.b.c", "client": True}, "token", "A token says all by itself"),
    ],
)
def test_bad_input_is_complained_about_beside_its_field_and_nothing_is_lost(
    editor: Browser, ada: Client, form: dict[str, Any], field: str, complaint: str
) -> None:
    sent = {"token_scopes": "", **form, **({"client": ada.pk} if form.get("client") is True else {})}
    response = asked(editor, **sent)
    assert response.status_code == 422
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert complaint in str(errors[field])
    page = response.content.decode()
    assert complaint.split("'")[0] in page.replace("&#x27;", "'")
    kept = page.replace("&quot;", '"')
    assert all(str(sent[name]) in kept for name in ("claims", "arguments", "at_0") if name in sent)


def test_a_pasted_token_is_verified_and_never_shown_logged_or_kept(
    editor: Browser, issuer: Issuer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    trusted = issuer.trusted()
    one = {"issuer": trusted.issuer, "audiences": list(trusted.audiences), "jwks_uri": trusted.jwks_uri}
    settings.TRUSTED_ISSUERS = json.dumps([one])
    allow("echo", token_scopes="demo")
    good, expired = issuer.token(scope="demo", org="acme"), issuer.token(exp=1_000_000_000)
    answered, complained = asked(editor, token=f"Bearer {good}"), asked(editor, token=expired)
    assert answered.context["answer"]["allowed"]
    assert json.loads(answered.context["form"]["claims"].value())["org"] == "acme"
    assert "expired" in str(complained.context["form"].errors["token"])
    written = "".join(
        [answered.content.decode(), complained.content.decode(), caplog.text, str(editor.session.items())]
    )
    for token in (good, expired):
        assert token.split(".")[2] not in written
    again = asked(editor, **{name: answered.context["form"][name].value() or "" for name in ("claims", "token_scopes")})
    assert again.context["answer"]["allowed"]


def test_what_strangers_wrote_is_shown_as_text(editor: Browser) -> None:
    nasty = "<script>alert(1)</script>\u202e"
    allow("echo", conditions=stored([typed_line("claims.org exists")]))
    page = asked(
        editor, name=nasty, claims=json.dumps({"iss": ISSUER, "sub": "x", "name": "<b>", "org": nasty})
    ).content.decode()
    assert "<script>alert" not in page
    assert "\u202e" not in page.replace('value="' + "&lt;script&gt;alert(1)&lt;/script&gt;\u202e", "").replace(
        json.dumps(nasty), ""
    )


def test_a_client_is_there_when_its_page_links_here(editor: Browser, ada: Client) -> None:
    form = editor.get(f"{PAGE}?client={ada.pk}&name=echo").context["form"]
    assert (str(form["client"].value()), form["name"].value()) == (str(ada.pk), "echo")
    assert editor.get(f"{PAGE}?client=x&record=y&kind=z").status_code == 200


def make_record(ada: Client, **fields: Any) -> CallRecord:
    asks = ["arguments.text equals hello", "claims.org equals acme"]
    rule = allow("echo", conditions=stored(typed_line(one) for one in asks))
    record = build_record(
        ada,
        tool="echo",
        arguments='{"text": "hello"}',
        claims='{"org": "acme"}',
        rules=json.dumps([{"id": rule.pk, "sentence": rule.sentence()}]),
        policy_version=loading.stored_version(),
        **fields,
    )
    record.save()
    return record


def looking(client: Browser, record: CallRecord) -> Any:
    """The explanation with what the record holds, as somebody gets it who presses the button there."""
    return client.post(f"/admin/records/{record.pk}/look/", {"at": "explanation"}, follow=True)


def test_a_record_is_explained_by_the_policy_of_its_moment(client: Browser, ada: Client) -> None:
    record = make_record(ada)
    staff(client, "view_callrecord", "view_rule", "view_arguments")
    assert f"{PAGE}{record.pk}/" in client.get(f"/admin/authz_app/callrecord/{record.pk}/change/").content.decode()
    Rule.objects.all().delete()
    response = looking(client, record)
    answer = response.context["answer"]
    assert (answer["allowed"], answer["agrees"], answer["is_complete"]) == (True, True, True)
    assert [part["verdict"] for rule in answer["deciding"] for part in rule["parts"]] == ["true", "true"]
    page = response.content.decode()
    assert "deleted since" in page
    assert "cannot be worked out again" not in page
    assert f"{PAGE}?record=" not in page


def test_recorded_arguments_and_claims_are_not_to_be_inferred_without_the_permission_to_see_them(
    client: Browser, ada: Client
) -> None:
    record = make_record(ada)
    staff(client, "view_callrecord", "view_rule", "explain_decision")
    response = client.get(f"{PAGE}{record.pk}/")
    answer = response.context["answer"]
    assert [part["verdict"] for rule in answer["deciding"] for part in rule["parts"]] == ["unknown", "unknown"]
    page = response.content.decode()
    assert "It is &quot;" not in page
    assert "Hidden from you." in page
    form = client.get(f"{PAGE}?record={record.pk}").context["form"]
    assert [form[name].value() for name in ("token_scopes", "arguments", "claims")] == [record.token_scopes, None, None]


def test_a_redacted_value_is_unknown_and_said_so(client: Browser, ada: Client) -> None:
    record = make_record(ada)
    record.arguments = '{"text": "[redacted]"}'
    CallRecord.objects.filter(pk=record.pk).update(arguments=record.arguments)
    staff(client, "view_callrecord", "view_rule", "view_arguments")
    response = looking(client, record)
    assert response.context["answer"]["allowed"]
    page = response.content.decode()
    assert "There was one; what it was is not kept." in page
    assert "It cannot be worked out again with certainty" in page


def test_a_record_from_before_the_history_says_so_and_names_its_rules(client: Browser, ada: Client) -> None:
    record = make_record(ada)
    CallRecord.objects.filter(pk=record.pk).update(policy_version=0)
    staff(client, "view_callrecord", "view_rule")
    page = client.get(f"{PAGE}{record.pk}/").content.decode()
    assert "The history begins with policy version" in page
    assert "Allow every client to call echo" in page


@pytest.mark.parametrize("kind", ["session", "completion", "resource", "prompt", "tool"])
def test_records_of_every_kind_and_of_no_sense_are_explained(client: Browser, ada: Client, kind: str) -> None:
    allow("*")
    staff(client, "view_callrecord", "view_rule", "view_arguments")
    for reason in ("unknown_tool", "client_blocked", "no_rule", "a_reason_of_old"):
        record = build_refusal(ada, kind=kind, tool="", reason=reason, policy_version=loading.stored_version())
        record.save()
        assert client.get(f"{PAGE}{record.pk}/").status_code == 200
    assert client.get(f"{PAGE}01a21ade-17f4-7f0a-9a1d-0370af1b411b/").status_code == 404
