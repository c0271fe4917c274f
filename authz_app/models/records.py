"""Holds the table of call records. Written by ``authz_app.audit`` alone."""

from django.db import models
from django.utils import timezone

from authz_app.core.ids import uuid7

# Columns that can be long, and that no list shows.
LONG_COLUMNS = ("arguments", "claims", "rules", "error", "result")
UNUSUAL_OUTCOME = models.Q(outcome__gt="") & ~models.Q(outcome="ok")
NO_TOOL_CALL = ~models.Q(kind="tool")


class CallRecord(models.Model):
    """One call: who, what, the decision and why, the outcome, when.

    Copies the names of what it mentions and has no foreign keys, so it outlives clients, rules and tools.
    """

    class Decision(models.TextChoices):
        ALLOWED = "allowed", "Allowed"
        DENIED = "denied", "Denied"

    class Outcome(models.TextChoices):
        NONE = "", "—"
        OK = "ok", "OK"
        TOOL_ERROR = "tool_error", "Tool error"
        CRASHED = "crashed", "Crashed"
        TIMED_OUT = "timed_out", "Timed out"
        CANCELLED = "cancelled", "Cancelled"
        INPUT_REQUIRED = "input_required", "Input required"
        NOT_RUN = "not_run", "Not run"
        UNKNOWN = "unknown", "Unknown"

    class Kind(models.TextChoices):
        TOOL = "tool", "Tool call"
        RESOURCE = "resource", "Resource read"
        PROMPT = "prompt", "Prompt"
        COMPLETION = "completion", "Completion"
        SESSION = "session", "MCP session"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TOOL, help_text="What was asked for.")
    tool = models.CharField(max_length=128, help_text="Name of the tool, or of the resource or prompt.")
    arguments = models.TextField(help_text="JSON, with what looks like a secret taken out. Empty: not recorded.")
    decision = models.CharField(max_length=10, choices=Decision)
    reason = models.CharField(max_length=20)
    rules = models.TextField(help_text="JSON: id and sentence of each determining rule, as they were.")
    policy_version = models.BigIntegerField()
    claims = models.TextField(
        default="", db_default="", help_text="JSON: the claims that conditions of rules name, if there are any."
    )
    client_id = models.BigIntegerField(help_text="The client's row at the time.")
    client_name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    oauth_client_id = models.CharField("OAuth client ID", max_length=255)
    token_scopes = models.TextField()
    client_software = models.CharField(max_length=200, help_text="As the MCP client reports of itself; unverified.")
    mcp_session = models.CharField("MCP session", max_length=32, help_text="Hash of the MCP session's id.")
    transport = models.CharField(max_length=20)
    protocol_version = models.CharField(max_length=20)
    address = models.CharField(max_length=45)
    worker = models.CharField(max_length=64)
    deadline = models.DateTimeField(null=True, help_text="Still without an outcome after this, it is unknown.")
    outcome = models.CharField(max_length=20, choices=Outcome, default=Outcome.NONE, blank=True)
    duration_ms = models.FloatField("duration (ms)", null=True)
    result_size = models.BigIntegerField("result size (bytes)", null=True)
    error = models.CharField(max_length=500, blank=True)
    result = models.TextField(
        blank=True, default="", db_default="", help_text="JSON, redacted as arguments are, where results are recorded."
    )
    undelivered = models.BooleanField(
        default=False, db_default=False, help_text="The result did not reach the caller, as far as the worker knows."
    )
    seal = models.BigIntegerField(null=True, editable=False, help_text="Number of the seal over it, once it is final.")

    class Meta:
        ordering = ["-id"]
        permissions = [("view_arguments", "Can view recorded arguments")]
        indexes = [
            models.Index(fields=["mcp_session", "id"], name="record_session"),
            # Finds what no seal has yet, and each segment in the order in which it was sealed.
            models.Index(fields=["seal", "id"], name="record_seal"),
            models.Index(fields=["client_id", "id"], name="record_client"),
            models.Index(fields=["tool", "id"], name="record_tool"),
            models.Index(fields=["address", "id"], name="record_address"),
            # What most records have is found without an index, and every index costs every call.
            models.Index(fields=["decision", "id"], name="record_denied", condition=models.Q(decision="denied")),
            models.Index(fields=["reason", "id"], name="record_reason", condition=models.Q(decision="denied")),
            models.Index(fields=["outcome", "id"], name="record_outcome", condition=UNUSUAL_OUTCOME),
            models.Index(fields=["kind", "id"], name="record_kind", condition=NO_TOOL_CALL),
            models.Index(
                fields=["deadline"],
                name="record_open",
                condition=models.Q(outcome="", deadline__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_running(self) -> bool:
        """Whether the call was allowed and its outcome is not yet known."""
        return self.outcome == "" and self.deadline is not None and self.deadline > timezone.now()
