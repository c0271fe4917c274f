"""Writes down whom a session's latest token names, for the worker that holds the session's stream. Never the token."""

import json

from authz_app.policy.principal import Principal
from tools_app.sessions.session import Owner


def stored(principal: Principal) -> bytes:
    """The JSON text of a principal, without what its session says of its owner."""
    fields = [sorted(principal.token_scopes), principal.expires_at, dict(principal.claims)]
    return json.dumps(fields).encode()  # Not orjson, which writes no integers beyond 64 bits.


def read(owner: Owner, text: bytes) -> Principal:
    """The principal of which ``text`` is the JSON text."""
    token_scopes, expires_at, claims = json.loads(text)
    return Principal(*owner, frozenset(token_scopes), expires_at, claims)
