"""Holds the tables that prove records to be as they were written: seals, and the public keys that sign them.

Written by ``authz_app.evidence`` alone. ``docs/evidence.md`` tells what is signed, and how.
"""

from django.db import models


class AuditKey(models.Model):
    """A public key, and where in the row of seals it took over. Old ones stay."""

    id = models.CharField(primary_key=True, max_length=16, help_text="Begins the SHA-256 of the public key.")
    statement = models.TextField(help_text="What is signed: the key, and the one that it follows.")
    signature = models.CharField(max_length=128, help_text="By the key itself.")
    predecessor_signature = models.CharField(max_length=128, blank=True, help_text="By the key that it follows.")

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Audit key {self.id}"


class AuditSeal(models.Model):
    """A segment of records, sealed: none of them can be changed or taken away without being missed.

    ``members`` has 48 bytes for each record, in the order of their ids: its id, and the SHA-256 of its canonical line.
    The statement has their hash. They go when the segment is pruned.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField("sealed at")
    count = models.IntegerField("records")
    statement = models.TextField(help_text="What is signed.")
    signature = models.CharField(max_length=128)
    members = models.BinaryField()
    pruned = models.TextField(blank=True, help_text="That its records were pruned, as it is signed.")
    pruned_signature = models.CharField(max_length=128, blank=True)

    class Meta:
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"Seal {self.number}"


class AuditLines(models.Model):
    """The single row that says up to which seal lines were written for a log collector, and who writes them."""

    upto = models.BigIntegerField(help_text="Number of the last seal.")
    holder = models.CharField(max_length=64, blank=True, help_text="The worker that writes.")
    held_until = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"Lines up to seal {self.upto}"
