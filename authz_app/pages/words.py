"""Call records in words: how an administrator reads reasons, outcomes, times and what strangers sent."""

import json
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from authz_app.models import CallRecord
from authz_app.policy import Reason

# Reason: in a column, and as a sentence.
_REASONS: dict[str, tuple[str, str]] = {
    Reason.ALLOWED: ("Allow rule", "A rule allows this call, and no rule denies it."),
    Reason.NO_RULE: ("No rule", "No rule allows this client to call this tool, so it was denied."),
    Reason.DENY_RULE: ("Deny rule", "A deny rule names this call, and a deny rule beats every allow rule."),
    Reason.CLIENT_BLOCKED: ("Client blocked", "The client was blocked, so nothing was allowed."),
    Reason.CLIENT_PENDING: ("Client pending", "Nobody had made the client active yet, so nothing was allowed."),
    Reason.SCOPE_MISSING: ("Token scope missing", "The token lacked a token scope that would have allowed the call."),
    Reason.UNKNOWN_TOOL: ("No such tool", "No tool of this name was registered."),
    Reason.TOOL_DISABLED: ("Tool off", "The tool was switched off, so it was refused to everybody."),
    Reason.POLICY_ERROR: ("Unreadable rule", "A rule could not be read. It might have denied the call, so it did."),
}

RUNNING = "running"
OUTCOMES: dict[str, str] = {
    CallRecord.Outcome.OK: "OK",
    RUNNING: "Running",
    CallRecord.Outcome.TOOL_ERROR: "Tool error",
    CallRecord.Outcome.CRASHED: "Crashed",
    CallRecord.Outcome.TIMED_OUT: "Timed out",
    CallRecord.Outcome.CANCELLED: "Cancelled",
    CallRecord.Outcome.UNKNOWN: "Unknown",
}


def asked_for(record: CallRecord) -> str:
    """The tool, or that it was the MCP session itself."""
    return "(MCP session)" if record.kind == CallRecord.Kind.SESSION else visible(record.tool)


def reason_words(reason: str) -> str:
    return _REASONS[reason][0] if reason in _REASONS else reason.replace("_", " ").capitalize()


def reason_sentence(reason: str) -> str:
    return _REASONS[reason][1] if reason in _REASONS else f"{reason_words(reason)}."


def reason_choices() -> list[tuple[str, str]]:
    return [(str(reason), words) for reason, (words, _) in _REASONS.items()]


def outcome_of(record: CallRecord) -> str:
    """The outcome, or ``running``, or ``unknown`` when past the deadline; empty for a call that was denied."""
    if record.outcome or record.decision == CallRecord.Decision.DENIED:
        return record.outcome
    return RUNNING if record.is_running else CallRecord.Outcome.UNKNOWN


def outcome_alone(record: CallRecord) -> str:
    """The outcome in words, whether or not the caller got to know it."""
    outcome = outcome_of(record)
    return OUTCOMES.get(outcome, outcome)


def outcome_words(record: CallRecord) -> str:
    """The outcome in words, and that it was not delivered."""
    outcome = outcome_alone(record)
    return f"{outcome}, not delivered" if record.undelivered else outcome


def moment(at: datetime | None) -> SafeString | str:
    """A point in time, to the second, with its time zone; the browser adds its own on hovering."""
    if at is None:
        return ""
    shown = timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" class="moment">{}</time>', at.isoformat(), shown)


def duration_words(milliseconds: float | None) -> str:
    if milliseconds is None:
        return ""
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def visible(text: str) -> str:
    """Text that a stranger sent, with what cannot be seen (control and direction characters) spelled out."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def pretty_json(text: str) -> str:
    """JSON with one value a line; what is not JSON stays as it is."""
    parsed = parsed_json(text)
    return visible(text if parsed is None else json.dumps(parsed, indent=2, ensure_ascii=False))


def parsed_json(text: str) -> Any:
    """The value, or None where the text is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None
