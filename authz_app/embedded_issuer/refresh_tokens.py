"""Rotate refresh tokens, each good once, but for a moment in which the same client may have asked twice.

A client that refreshes in several processes or tabs at once would be logged out by strict rotation, as would one that
lost the answer. OAuth 2.1 (section 4.3.1) and RFC 9700 (section 4.14.2) have a token that was used refused, and its
family with it; here that begins `WINDOW_SECONDS` after the first use.

All tokens that began with one grant are a family, named by the hash of the first. A token that was used is kept for the
window, marked as spent. It expires with the window, so that whoever asks for valid tokens finds it no longer.
"""

from datetime import timedelta
from typing import Any

from allauth.idp.oidc.models import Token
from django.db.models import Q, QuerySet
from django.utils import timezone

WINDOW_SECONDS = 10.0
# As many as one client has at once, and no more: each of them gets a pair of its own.
MOST_REUSES = 16
_FAMILY, _REUSES = "family", "reuses"


def spend(token: Token) -> str | None:
    """Mark a refresh token as used, in a transaction; its family, or None where it is good no longer.

    Others who use it at the same time wait here, and then see what became of it.
    """
    locked = Token.objects.select_for_update().filter(pk=token.pk).first()
    if locked is None or (locked.expires_at is not None and locked.expires_at <= timezone.now()):
        return None
    data = _data(locked)
    reuses = data.get(_REUSES)
    if reuses is None:
        closes = timezone.now() + timedelta(seconds=WINDOW_SECONDS)
        locked.expires_at = closes if locked.expires_at is None else min(closes, locked.expires_at)
    elif reuses >= MOST_REUSES:
        return None
    locked.data = {**data, _REUSES: 0 if reuses is None else reuses + 1}
    locked.save(update_fields=["data", "expires_at"])
    return family_of(locked)


def join(token_hash: str, family: str) -> None:
    """Let the refresh token that was made last belong to a family."""
    made = Token.objects.get(type=Token.Type.REFRESH_TOKEN, hash=token_hash)
    made.data = {**_data(made), _FAMILY: family}
    made.save(update_fields=["data"])


def family_of(token: Token) -> str:
    """The family of a token. One that was made before there were any begins its own."""
    return str(_data(token).get(_FAMILY, token.hash))


def of_family(family: str) -> "QuerySet[Token]":
    """All refresh tokens of a family, the spent ones too."""
    refresh_tokens = Token.objects.filter(type=Token.Type.REFRESH_TOKEN)
    return refresh_tokens.filter(Q(hash=family) | Q(**{f"data__{_FAMILY}": family}))


def _data(token: Token) -> dict[str, Any]:
    return token.data if isinstance(token.data, dict) else {}
