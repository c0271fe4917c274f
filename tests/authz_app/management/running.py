"""Run a command, and ask what its token or its rule is good for."""

from io import StringIO
from typing import Any

import jwt
import pytest
from django.core.management import CommandError, call_command

from authz_app.conf import conf
from authz_app.policy.decision import Decision, Target
from authz_app.policy.policy import decide
from authz_app.policy.principal import Principal
from authz_app.policy_store.loading import load
from authz_app.tokens.signing_key import public_jwks

LOCAL = "http://testserver"


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
