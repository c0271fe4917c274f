"""Map users of this site to subjects of the embedded issuer's access tokens, and back."""

from typing import Any

from authz_app.conf import conf, local_issuer_url
from authz_app.models import Client, User

_PREFIX = "user|"


def user_subject(user: Any) -> str:
    """The subject of a user's tokens: by the row's number, which no other user ever gets.

    Marked, so that no OAuth application's own subject (``service_subject``) nor OAuth client ID can equal it.
    """
    return f"{_PREFIX}{user.pk}"


def active_user(subject: str) -> User | None:
    """The user of a subject; None: there is none, or the user may not sign in."""
    number = subject.removeprefix(_PREFIX)
    if number == subject or not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return User.objects.filter(pk=int(number), is_active=True).first()


def client_of(user: Any) -> Client | None:
    """The administrator's row for this user; None before the first call, unless it was made beforehand."""
    issuer = local_issuer_url(conf().public_url)
    return Client.objects.filter(issuer=issuer, subject=user_subject(user)).first()


def name_claims(user: Any) -> dict[str, str]:
    """The claims that name a user, for people to read (OpenID Connect Core section 5.1)."""
    username = user.get_username()
    return {"name": user.get_full_name() or username, "preferred_username": username}
