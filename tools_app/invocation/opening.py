"""Opens the record of a call: who asked for what, and what was decided."""

from datetime import UTC, datetime, timedelta

import orjson

from authz_app.audit.entries import Opening
from authz_app.core.ids import uuid7
from authz_app.policy.conditions import picked
from authz_app.policy.decision import Decision
from authz_app.redaction.redact import recorded_json
from tools_app.invocation.caller import Caller
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.record_contents import RecordContents

# Seconds that a call has beyond its time limit before its record is taken for unknown.
_GRACE = 10.0


def opening_of(caller: Caller, contents: RecordContents, decision: Decision, dependencies: Dependencies) -> Opening:
    now = datetime.now(UTC)
    request, principal, client = contents.request, caller.principal, decision.client
    seconds = request.time_limit(dependencies.time_limit) + _GRACE
    return Opening(
        id=uuid7(),
        at=now,
        kind=request.record_kind,
        tool=contents.name,
        arguments=contents.arguments,
        decision="allowed" if decision.allowed else "denied",
        reason=decision.reason.value,
        rules=orjson.dumps([{"id": rule.id, "sentence": rule.sentence} for rule in decision.determining]).decode(),
        policy_version=decision.policy_version,
        claims=recorded_json(picked(decision.claims, principal.claims)) if decision.claims else "",
        client_id=client.id,
        client_name=client.name,
        issuer=principal.issuer,
        subject=principal.subject,
        oauth_client_id=principal.oauth_client_id,
        token_scopes=" ".join(sorted(principal.token_scopes)),
        client_software=caller.client_software,
        mcp_session=caller.mcp_session,
        transport=caller.transport,
        protocol_version=caller.protocol_version,
        address=caller.address,
        worker=dependencies.worker,
        deadline=now + timedelta(seconds=seconds) if decision.allowed else None,
    )
