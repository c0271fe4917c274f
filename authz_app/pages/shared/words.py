"""Puts call records into words: reasons, outcomes, times, and what was asked for."""

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from authz_app.models import CallRecord
from authz_app.policy.decision import Reason
from authz_app.record_search.filters import RUNNING
from authz_app.redaction.audit_level import OF_PROMPT, has_arguments
from authz_app.redaction.log_lines import visible

# Reason: in a column, and as a sentence about what was asked for.
_REASONS: dict[str, tuple[str, str]] = {
    Reason.ALLOWED: ("Allow rule", "A rule allows this, and no rule denies it."),
    Reason.NO_RULE: ("No rule", "No rule allows this client to {use} this {noun}, so it was denied."),
    Reason.DENY_RULE: ("Deny rule", "A deny rule names this {noun}, and a deny rule beats every allow rule."),
    Reason.CLIENT_BLOCKED: ("Client blocked", "The client was blocked, so nothing was allowed."),
    Reason.CLIENT_PENDING: ("Client pending", "Nobody had made the client active yet, so nothing was allowed."),
    Reason.SCOPE_MISSING: ("Token scope missing", "The token lacked a token scope that would have been enough."),
    Reason.UNKNOWN_TOOL: ("Not registered", "No {noun} of this {name} was registered."),
    Reason.TOOL_DISABLED: ("Switched off", "The {noun} was switched off, so it was refused to everybody."),
    Reason.CONDITION_UNMET: (
        "Condition unmet",
        "A rule would have allowed this, but one of its conditions was not known to be true.",
    ),
    Reason.LIMIT_REACHED: ("Limit reached", "A limit rule had let through as many calls as it does."),
    Reason.POLICY_ERROR: ("Unreadable rule", "A rule could not be read, and what cannot be read helps nobody."),
}
_NOUNS: dict[str, dict[str, str]] = {
    CallRecord.Kind.TOOL: {"noun": "tool", "use": "call", "name": "name"},
    CallRecord.Kind.RESOURCE: {"noun": "resource", "use": "read", "name": "URI"},
    CallRecord.Kind.PROMPT: {"noun": "prompt", "use": "use", "name": "name"},
    CallRecord.Kind.COMPLETION: {"noun": "prompt or resource", "use": "use", "name": "name"},
}
# What was asked for: in a column, as what the client wanted, and as what it did.
_DEEDS: dict[str, tuple[str, str, str]] = {
    CallRecord.Kind.TOOL: ("{}", "asked to call {}", "called {}"),
    CallRecord.Kind.RESOURCE: ("resource {}", "asked to read the resource {}", "read the resource {}"),
    CallRecord.Kind.PROMPT: ("prompt {}", "asked to use the prompt {}", "used the prompt {}"),
    CallRecord.Kind.COMPLETION: ("completion for {}", "asked for completions for {}", "asked for completions for {}"),
    CallRecord.Kind.SESSION: ("(MCP session)", "asked for an MCP session", "opened an MCP session"),
}
_SUBSCRIPTION = (
    "changes of resource {}",
    "asked to be told of changes of the resource {}",
    "subscribed to the resource {}",
)

# How MCP reached the site, by what records and events call it.
TRANSPORTS = {"sse": "HTTP+SSE", "streamable": "Streamable HTTP"}

OUTCOMES: dict[str, str] = {
    CallRecord.Outcome.OK: "OK",
    RUNNING: "Running",
    CallRecord.Outcome.TOOL_ERROR: "Tool error",
    CallRecord.Outcome.CRASHED: "Crashed",
    CallRecord.Outcome.TIMED_OUT: "Timed out",
    CallRecord.Outcome.CANCELLED: "Cancelled",
    CallRecord.Outcome.INPUT_REQUIRED: "Asked for input",
    CallRecord.Outcome.NOT_RUN: "Not run",
    CallRecord.Outcome.UNKNOWN: "Unknown",
}


# These have come to no result.
_WITHOUT_RESULT = ("", RUNNING, CallRecord.Outcome.CANCELLED, CallRecord.Outcome.NOT_RUN, CallRecord.Outcome.UNKNOWN)


def asked_for(record: CallRecord) -> str:
    """Name what was asked for in a column: a tool by its name alone, anything else with its kind."""
    return _deeds(record)[0].format(visible(record.tool))


def wanted(record: CallRecord) -> str:
    """Say what the client asked for, to go after its name."""
    return _spoken_deeds(record)[1].format(visible(record.tool))


def done(record: CallRecord) -> str:
    """Say what the client did, to go after its name."""
    return _spoken_deeds(record)[2].format(visible(record.tool))


def own(record: CallRecord) -> tuple[str, str]:
    """Name what was asked for, as the caller may read it: in a column, and to go after the caller's name."""
    column, deed, _ = _spoken_deeds(record)
    return column.format(sent_name(record)), deed.format(sent_name(record))


def sent_name(record: CallRecord) -> str:
    """Name what was asked for as its caller sent it. A resource by its URI: its name would tell that it exists."""
    arguments = _arguments(record)
    if record.kind not in (CallRecord.Kind.RESOURCE, CallRecord.Kind.COMPLETION) or record.arguments == OF_PROMPT:
        return visible(record.tool)
    if not has_arguments(record.kind, record.arguments):
        return "(a resource, whose URI is not recorded)"
    if "uri" in arguments.get("members", ()):
        return "(a resource, in a request that was too large to record)"
    return visible(str(arguments.get("uri", record.tool)))


def why_no_arguments(record: CallRecord) -> str:
    """Say that a record does not hold its arguments; empty where it does."""
    if has_arguments(record.kind, record.arguments):
        return ""
    return f"Not recorded: of this {_noun(record)}, metadata alone was."


def why_no_result(record: CallRecord) -> str:
    """Say why a record holds no result; empty where it does."""
    if record.result:
        return ""
    if outcome_of(record) in _WITHOUT_RESULT:
        return "None: the call has not ended with one."
    return f"Not recorded: of this {_noun(record)}, results were not."


def why_no_error(record: CallRecord) -> str:
    """Say why the record of a failed call holds no error; empty where the call did not fail, or it does."""
    failed = record.outcome == CallRecord.Outcome.TOOL_ERROR and not record.error
    return why_no_arguments(record) if failed else ""


def _noun(record: CallRecord) -> str:
    return _NOUNS.get(record.kind, _NOUNS[CallRecord.Kind.TOOL])["noun"]


def _deeds(record: CallRecord) -> tuple[str, str, str]:
    return _DEEDS.get(record.kind, _DEEDS[CallRecord.Kind.TOOL])


def _spoken_deeds(record: CallRecord) -> tuple[str, str, str]:
    is_subscription = record.kind == CallRecord.Kind.RESOURCE and _arguments(record).get("subscribe")
    return _SUBSCRIPTION if is_subscription else _deeds(record)


def _arguments(record: CallRecord) -> dict[str, Any]:
    arguments = parsed_json(record.arguments)
    return arguments if isinstance(arguments, dict) else {}


def reason_words(reason: str) -> str:
    return _REASONS[reason][0] if reason in _REASONS else reason.replace("_", " ").capitalize()


def reason_sentence(record: CallRecord) -> str:
    if record.reason not in _REASONS:
        return f"{reason_words(record.reason)}."
    return _REASONS[record.reason][1].format(**_NOUNS.get(record.kind, _NOUNS[CallRecord.Kind.TOOL]))


def reason_choices() -> list[tuple[str, str]]:
    return [(str(reason), words) for reason, (words, _) in _REASONS.items()]


def outcome_of(record: CallRecord) -> str:
    """Work out the outcome: ``running``, or ``unknown`` past the deadline; empty for a denied call."""
    if record.outcome or record.decision == CallRecord.Decision.DENIED:
        return record.outcome
    return RUNNING if record.is_running else CallRecord.Outcome.UNKNOWN


def outcome_alone(record: CallRecord) -> str:
    """Put the outcome into words, whether or not it was delivered."""
    outcome = outcome_of(record)
    return OUTCOMES.get(outcome, outcome)


def outcome_words(record: CallRecord) -> str:
    """Put the outcome into words, and say where it was not delivered."""
    outcome = outcome_alone(record)
    return f"{outcome}, not delivered" if record.undelivered else outcome


def moment(at: datetime | None) -> SafeString | str:
    """Render a point in time to the second, with its time zone; the browser shows its own on hovering."""
    if at is None:
        return ""
    shown = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" class="moment">{}</time>', at.isoformat(), shown)


def duration_words(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def pretty_json(text: str) -> str:
    """Format JSON with one value a line; what is not JSON stays as it is."""
    parsed = parsed_json(text)
    return visible(text if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False))


def parsed_json(text: str) -> Any:
    """Parse a text; None where it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None
