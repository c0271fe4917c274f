"""Refresh tokens, each spent once, with a moment in which it is good for more; how they go together."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.idp.oidc.models import Client as OAuthApplication, Token
from django.db import transaction
from django.utils import timezone

from authz_app.embedded_issuer.refresh_tokens import MOST_REUSES, WINDOW_SECONDS, family_of, join, of_family, spend

pytestmark = pytest.mark.django_db


def make(name: str, **fields: Any) -> Token:
    application, _ = OAuthApplication.objects.get_or_create(pk="app", name="App")
    return Token.objects.create(type=Token.Type.REFRESH_TOKEN, hash=name, client=application, **fields)


def spent(token: Token) -> str | None:
    with transaction.atomic():
        return spend(token)


def test_a_token_is_good_for_a_moment_after_its_first_use_and_for_so_many_more() -> None:
    first = make("first", expires_at=timezone.now() + timedelta(days=30))
    assert spent(first) == "first"
    first.refresh_from_db()
    assert first.expires_at is not None
    assert timedelta() < first.expires_at - timezone.now() <= timedelta(seconds=WINDOW_SECONDS)
    closes = first.expires_at
    assert [spent(first) for _ in range(MOST_REUSES + 1)] == ["first"] * MOST_REUSES + [None]
    first.refresh_from_db()
    assert first.expires_at == closes  # However often it is used, the moment begins once.


def test_a_token_is_good_no_longer_once_the_moment_is_over_or_it_is_gone() -> None:
    late, gone = make("late"), make("gone")
    assert spent(late) == "late"
    Token.objects.filter(pk=late.pk).update(expires_at=timezone.now())
    assert spent(late) is None
    Token.objects.filter(pk=gone.pk).delete()
    assert spent(gone) is None


def test_the_moment_makes_no_token_good_for_longer() -> None:
    soon = timezone.now() + timedelta(seconds=1)
    token = make("short", expires_at=soon)
    spent(token)
    token.refresh_from_db()
    assert token.expires_at == soon


def test_what_begins_with_one_grant_is_one_family() -> None:
    first, other = make("first", data={"resources": ["https://mcp.example.com"]}), make("other")
    for name in ("second", "third"):
        make(name, data={"email": "a@example.com"})
        join(name, family_of(first))
    assert {token.hash for token in of_family("first")} == {"first", "second", "third"}
    assert {family_of(token) for token in of_family("first")} == {"first"}
    assert family_of(other) == "other"
    spent(first)
    assert Token.objects.get(hash="first").get_resources() == ["https://mcp.example.com"]
    assert Token.objects.get(hash="second").get_scope_email() == "a@example.com"
