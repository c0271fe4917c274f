"""Holds the tables of events and open MCP sessions. Written by ``authz_app.audit`` alone."""

from django.db import models
from django.utils import timezone

from authz_app.core.ids import uuid7


class AuditEvent(models.Model):
    """Something that matters and is no call: a session, refused tokens, an export, a look, an outage.

    Copies the names of what it mentions and has no foreign keys. Its columns are those of ``authz_app.audit.events``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField("when", default=timezone.now)
    kind = models.CharField(max_length=32)
    actor = models.CharField(max_length=200, blank=True, help_text="Who did it, in the admin or in a terminal.")
    client_id = models.BigIntegerField(default=0, help_text="The client's row at the time; 0 where there is none.")
    client_name = models.CharField(max_length=200, blank=True)
    issuer = models.CharField(max_length=255, blank=True)
    subject = models.CharField(max_length=255, blank=True)
    oauth_client_id = models.CharField("OAuth client ID", max_length=255, blank=True)
    mcp_session = models.CharField("MCP session", max_length=32, blank=True, help_text="Hash of the MCP session's id.")
    address = models.CharField(max_length=45, blank=True)
    worker = models.CharField(max_length=64, blank=True)
    count = models.BigIntegerField(default=1, help_text="How many things it stands for.")
    details = models.TextField(default="{}", help_text="JSON, with what looks like a secret taken out.")
    seal = models.BigIntegerField(null=True, editable=False, help_text="Number of the seal over it.")

    class Meta:
        verbose_name = "event"
        ordering = ["-id"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["seal", "id"], name="event_seal"),
            models.Index(fields=["kind", "id"], name="event_kind"),
            models.Index(fields=["client_id", "id"], name="event_client"),
            models.Index(fields=["mcp_session", "id"], name="event_session"),
            models.Index(fields=["actor", "id"], name="event_actor"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class OpenSession(models.Model):
    """An MCP session whose opening is written, and whose end is not written yet.

    ``opened_at`` is in seconds since the epoch. ``holder`` is the worker that it dies with, or empty.
    """

    mcp_session = models.CharField(primary_key=True, max_length=32)
    opened_at = models.FloatField()
    holder = models.CharField(max_length=64)
    transport = models.CharField(max_length=20)
    client_id = models.BigIntegerField()
    client_name = models.CharField(max_length=200)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    oauth_client_id = models.CharField(max_length=255)
    address = models.CharField(max_length=45)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.mcp_session
