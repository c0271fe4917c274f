"""Holds the tables of the policy's history: who changed it, when, and each row as it was and as it became.

Written by database triggers alone (``authz_app.triggers``), so it holds every change, whichever way it was made. Names
are copied and nothing refers to other tables, so it outlives clients, rules, tools and users.
"""

from django.db import models


class PolicyEdit(models.Model):
    """One change of the policy, by whom and when: a transaction on PostgreSQL, a row on SQLite."""

    class ActorKind(models.TextChoices):
        NOT_NAMED = "", "Not named"
        USER = "user", "User"
        COMMAND = "command", "Command"

    version = models.BigIntegerField(
        "policy version", null=True, help_text="Null only inside the PostgreSQL transaction that makes the change."
    )
    moved = models.BooleanField(
        help_text="The version moved. Otherwise decisions did not change: a note did, or a row was seen first."
    )
    at = models.DateTimeField("when")
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor = models.CharField(max_length=200, help_text="The user's name, or the command and who ran it.")
    database_user = models.CharField(max_length=63)

    class Meta:
        default_permissions = ("view",)
        verbose_name = "policy version"
        verbose_name_plural = "policy history"
        indexes = [
            models.Index(fields=["version", "id"], name="edit_version"),
            models.Index(fields=["version", "id"], name="edit_moved", condition=models.Q(moved=True)),
            models.Index(fields=["actor", "version", "id"], name="edit_actor"),
            models.Index(fields=["at"], name="edit_at"),
        ]

    def __str__(self) -> str:
        return f"Policy version {self.version}"


class PolicyRevision(models.Model):
    """One row of a policy table as it was before an edit, and as it became: JSON by column, null where it was not.

    ``entity`` and ``entity_id`` say whose history it belongs to (a rule's, a client's, a tool's), ``part`` and
    ``part_id`` which row it is: that of a rule, or of its naming a client, for example. In the order of their ids the
    revisions of one row follow each other.
    """

    edit = models.ForeignKey(
        PolicyEdit, on_delete=models.PROTECT, related_name="revisions", db_constraint=False, db_index=False
    )
    entity = models.CharField(max_length=20)
    entity_id = models.BigIntegerField()
    part = models.CharField(max_length=20)
    part_id = models.BigIntegerField()
    client_id = models.BigIntegerField(null=True, help_text="The client that the row names, or is.")
    was = models.TextField(null=True)
    became = models.TextField(null=True)

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["edit", "entity", "entity_id"], name="revision_edit"),
            # With the edit: the rows of a past version are found in the index alone.
            models.Index(fields=["part", "part_id", "id", "edit"], name="revision_part"),
            models.Index(fields=["entity", "entity_id", "edit"], name="revision_entity"),
            models.Index(
                fields=["client_id", "edit"], name="revision_client", condition=models.Q(client_id__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.part} {self.part_id} in {self.edit_id}"
