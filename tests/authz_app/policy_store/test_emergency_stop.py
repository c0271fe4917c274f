"""A stop of all calls, as the policy has it."""

import pytest

from authz_app.models import Rule
from authz_app.policy.decision import Reason, Target
from authz_app.policy.policy import decide
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS
from authz_app.policy_store import emergency_stop
from authz_app.policy_store.loading import load
from tests.rows import ISSUER, make_client, make_rule

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def reasons() -> set[Reason]:
    """Why each kind of call by a client that may call everything comes out as it does."""
    policy = load()
    client = policy.clients[ISSUER, "report-agent@clients"]
    principal = Principal(ISSUER, client.subject, "x", frozenset({"time"}), expires_at=0)
    targets = [Target(kind, name, exists=True, enabled=True) for kind in KINDS for name in ("TimeTool", "order")]
    return {decide(principal, client, target, {}, policy, 0.0).reason for target in targets}


def test_a_stop_denies_every_kind_to_everybody_and_undone_nothing_is_left_of_it() -> None:
    make_client("Report agent")
    make_rule(applies_to="every", kind="all", tools="*")
    assert reasons() == {Reason.ALLOWED}
    stop = emergency_stop.stop("dana", "Something is wrong.")
    assert reasons() == {Reason.DENY_RULE}
    assert stop.sentence() == "Deny every client to use every tool, resource and prompt."
    stop.delete()
    assert reasons() == {Reason.ALLOWED}


@pytest.mark.parametrize(
    "narrowed",
    [
        {"enabled": False},
        {"tools": "x*"},
        {"kind": "tool"},
        {"applies_to": "these"},
        {"token_scopes": "time"},
        {"effect": "allow"},
        {"stopped_by": ""},
    ],
    ids=str,
)
def test_a_stop_that_somebody_has_narrowed_down_is_not_told_as_one(narrowed: dict[str, object]) -> None:
    stop = emergency_stop.stop("dana", "Something is wrong.")
    assert list(emergency_stop.in_force()) == [stop]
    Rule.objects.update(**narrowed)
    assert not emergency_stop.in_force().exists()
