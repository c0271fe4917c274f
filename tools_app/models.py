"""Holds the catalogue of tools and which workers are there, and what the admin shows of MCP sessions."""

from django.db import models

from authz_app.redaction.audit_level import AuditLevel


class Tool(models.Model):
    """A tool, a resource or a prompt as the admin shows it: one row for each that was ever registered.

    Its code is in the registry; ``gone`` when it no longer is.
    """

    class Kind(models.TextChoices):
        TOOL = "tool", "Tool"
        RESOURCE = "resource", "Resource"
        PROMPT = "prompt", "Prompt"

    class Recorded(models.TextChoices):
        AS_ITS_AUTHOR_SAYS = "", "As its author says"
        METADATA = AuditLevel.METADATA.value, "Metadata"
        ARGUMENTS = AuditLevel.ARGUMENTS.value, "Arguments"
        RESULT = AuditLevel.RESULT.value, "Arguments and result"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TOOL, db_default=Kind.TOOL, editable=False)
    name = models.CharField(max_length=128, editable=False)
    description = models.TextField(blank=True, editable=False)
    module = models.CharField(max_length=255, editable=False, help_text="Where the function is defined.")
    enabled = models.BooleanField("switched on", default=True, help_text="What is off is refused to everybody.")
    recorded = models.CharField(
        max_length=10,
        choices=Recorded,
        blank=True,
        default=Recorded.AS_ITS_AUTHOR_SAYS,
        db_default=Recorded.AS_ITS_AUTHOR_SAYS,
        help_text="What records of its calls hold, from the next call on. Who called, what was decided and how it ended"
        " is always recorded.",
    )
    redacted = models.TextField(
        "never recorded",
        blank=True,
        default="",
        db_default="",
        help_text="Paths to values that no record holds, one a line: customer.iban, items.*.card. In arguments and"
        " results. What has the name or the shape of a secret is taken out in any case.",
    )
    gone = models.BooleanField(default=False, editable=False, help_text="No installed app registers it any more.")
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="tool_kind_name")]
        ordering = ["name", "kind"]

    def __str__(self) -> str:
        return self.name


class WorkerPresence(models.Model):
    """That a worker runs on this database, or did until lately. Written by the worker itself (``presence``)."""

    name = models.CharField(max_length=64, primary_key=True)
    alone = models.BooleanField(help_text="It has no REDIS_URL, so it keeps its MCP sessions to itself.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name

    def overlaps(self, other: "WorkerPresence") -> bool:
        """Whether both were there at the same time: one that replaced the other does not count."""
        return self.seen_at > other.started_at and other.seen_at > self.started_at


class _NoRows(models.Manager["McpSession"]):
    """Finds nothing, without asking the database: there is no table."""

    def get_queryset(self) -> models.QuerySet["McpSession"]:
        return super().get_queryset().none()


class McpSession(models.Model):
    """An open MCP session as the admin shows it, and the rights to see and to end them.

    It has no table: open sessions are in the workers' memory or in Redis (``sessions``).
    """

    key = models.CharField(max_length=32, primary_key=True)
    client_id = models.BigIntegerField(null=True)
    client_name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    oauth_client_id = models.CharField("OAuth client ID", max_length=255)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    address = models.CharField(max_length=45)
    client_software = models.CharField(max_length=200)
    transport = models.CharField(max_length=20)
    worker = models.CharField(max_length=64)
    calls = models.BigIntegerField(null=True)

    objects = _NoRows()

    class Meta:
        managed = False
        base_manager_name = "objects"
        default_permissions = ("view",)
        permissions = [("end_mcpsession", "Can end MCP session")]
        verbose_name = "MCP session"

    def __str__(self) -> str:
        return f"MCP session of {self.client_name}, opened {self.opened_at:%Y-%m-%d %H:%M:%S} UTC"
