"""The models of this app, from the modules that hold the tables which belong together."""

from authz_app.models.events import AuditEvent, OpenSession
from authz_app.models.history import PolicyEdit, PolicyRevision
from authz_app.models.permissions import Client, LimitCount, PolicyChange, PolicyState, Rule, RuleClient, User
from authz_app.models.records import LONG_COLUMNS, NO_TOOL_CALL, UNUSUAL_OUTCOME, CallRecord
from authz_app.models.seals import AuditKey, AuditLines, AuditSeal

__all__ = [
    "LONG_COLUMNS",
    "NO_TOOL_CALL",
    "UNUSUAL_OUTCOME",
    "AuditEvent",
    "AuditKey",
    "AuditLines",
    "AuditSeal",
    "CallRecord",
    "Client",
    "LimitCount",
    "OpenSession",
    "PolicyChange",
    "PolicyEdit",
    "PolicyRevision",
    "PolicyState",
    "Rule",
    "RuleClient",
    "User",
]
