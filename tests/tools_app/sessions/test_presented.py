"""Whom a session's latest token names, as other workers read it."""

from authz_app.policy.principal import Principal
from tests.tools_app.connected import OWNER
from tools_app.sessions import presented


def test_a_principal_is_read_as_it_was_stored() -> None:
    claims = {"groups": ["a", {"b": None}], "large": 2**70, "name": "Zoë", "ratio": 0.1}
    principal = Principal(*OWNER, frozenset({"read", "deploy"}), 2**40, claims)
    read = presented.read(OWNER, presented.stored(principal))
    assert (read, read.claims) == (principal, claims)
