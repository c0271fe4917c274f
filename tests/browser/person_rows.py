"""Rows of a person who signs in at the embedded issuer, and of the applications that ask something of them."""

from datetime import timedelta

from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.conf import settings

from authz_app.embedded_issuer.subjects import user_subject
from authz_app.models import CallRecord, Client, User
from tests.browser.person_pages import CONFIDENTIAL, SELF_REGISTERED
from tests.rows import build_record, build_refusal, make_client, make_rule


def fill_for_person(username: str, password: str) -> None:
    """The person, what they may call and called, one application that registered itself and one that did not."""
    person = User.objects.create_user(username, password=password, first_name="Dana", last_name="Whitfield")
    row = make_client(
        "Dana Whitfield", issuer=settings.PUBLIC_URL, subject=user_subject(person), kind=Client.Kind.PERSON
    )
    make_rule(row, tools="TimeTool")
    make_rule(row, tools="weather_tool", token_scopes="weather:read")
    grants = f"authorization_code\nrefresh_token\n{OAuthApplication.GrantType.DEVICE_CODE}"
    itself = OAuthApplication.objects.create(
        id=SELF_REGISTERED,
        name="Claude Code",
        type=OAuthApplication.Type.PUBLIC,
        grant_types=grants,
        redirect_uris="http://localhost/callback\nhttps://app.example/callback",
        scopes="",
        data={"dcr": True, "used": True},
    )
    OAuthApplication.objects.create(
        id=CONFIDENTIAL,
        name="Orders desk",
        grant_types="authorization_code",
        redirect_uris="https://desk.example.com/back",
        scopes="orders:read",
    )
    Token.objects.create(type=Token.Type.REFRESH_TOKEN, client=itself, user=person, hash="shown to nobody")
    minute = timedelta(minutes=1)
    own = [
        build_record(row, ago=minute, client_software="claude-code 2.1.0"),
        build_refusal(row, ago=4 * minute, tool="tickets_search", client_software="claude-code 2.1.0"),
        build_refusal(row, ago=6 * minute, tool="weather_tool", reason="scope_missing", token_scopes="openid"),
        build_record(row, ago=9 * minute, outcome=CallRecord.Outcome.TIMED_OUT, client_software="Cursor 3.2"),
        build_refusal(row, ago=12 * minute, tool="<script>" + "long_" * 20, reason="unknown_tool"),
    ]
    CallRecord.objects.bulk_create(own)
