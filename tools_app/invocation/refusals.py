"""Records calls that are refused before they could be made, for whatever reason: their caller is known."""

from typing import Any, NamedTuple

from authz_app.audit.entries import AuditUnavailable
from authz_app.policy_store.store import PolicyUnavailable
from tools_app.invocation.access_request import SESSION, access_request_of
from tools_app.invocation.caller import Caller
from tools_app.invocation.dependencies import Dependencies
from tools_app.invocation.invoke import record_refused
from tools_app.wire import jsonrpc


class Refusal(NamedTuple):
    """What the caller is told, and in ``data`` the record that it names, where there is one."""

    text: str
    data: dict[str, Any]


async def refusal(text: str, message: jsonrpc.Message | None, caller: Caller, dependencies: Dependencies) -> Refusal:
    """Refuse a message in a sentence, and record it if it is a call."""
    if (request := access_request_of(message)) is SESSION:
        return Refusal(text, {})
    try:
        record_id = await record_refused(caller, request, text, dependencies)
    except (AuditUnavailable, PolicyUnavailable):
        return Refusal(text, {})  # Nothing is run, with a record or without one.
    return Refusal(f"{text} Record {record_id}.", {"record": str(record_id)})
