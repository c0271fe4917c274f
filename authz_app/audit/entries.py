"""Holds what reaches the audit: the opening and the closing of a call record. No field here could hold a token."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from authz_app.policy.limits import Allowance


class AuditUnavailable(Exception):
    """The call record could not be committed in time, so the call does not run."""


class Outcome(StrEnum):
    """How an allowed call ended. INPUT_REQUIRED: with a question, whose answer comes with another call.

    NOT_RUN: it was refused for another reason than the policy's, so nothing was run, and no limit counts it.
    """

    OK = "ok"
    TOOL_ERROR = "tool_error"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    INPUT_REQUIRED = "input_required"
    NOT_RUN = "not_run"
    UNKNOWN = "unknown"


class Opening(NamedTuple):
    """A call record as it is written before the tool starts. Field names are the table's columns.

    ``arguments``, ``claims`` and ``rules`` are JSON texts, redacted and capped. ``arguments`` are none where they are
    not recorded, and ``claims`` where rules ask for none. ``deadline`` is None for a denied call.
    """

    id: UUID
    at: datetime
    kind: str
    tool: str
    arguments: str
    decision: str
    reason: str
    rules: str
    policy_version: int
    claims: str
    client_id: int
    client_name: str
    issuer: str
    subject: str
    oauth_client_id: str
    token_scopes: str
    client_software: str
    mcp_session: str
    transport: str
    protocol_version: str
    address: str
    worker: str
    deadline: datetime | None


OPENING_COLUMNS: tuple[str, ...] = Opening._fields


class LimitedOpening(NamedTuple):
    """An opening, and all limits within which its call is allowed; none where no limit applies."""

    opening: Opening
    allowances: tuple[Allowance, ...] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a call, written afterwards. ``duration_ms`` in milliseconds, ``result_size`` in bytes.

    ``result`` is a JSON text, redacted and capped; none where it is not recorded.
    """

    id: UUID
    outcome: Outcome
    duration_ms: float
    result_size: int = 0
    error: str = ""
    result: str = ""


def given_up(record_id: UUID) -> Closing:
    """The outcome of a record whose call does not wait for it any more: nothing was run for it."""
    return Closing(record_id, Outcome.CANCELLED, 0.0, error="Given up before it was run.")


@dataclass(frozen=True, slots=True)
class Undelivered:
    """The result of a call did not reach its caller."""

    id: UUID
