"""The catalogue: one row for each tool that was ever registered, where an administrator switches it on and off."""

from django.db import models


class Tool(models.Model):
    """A tool as the admin shows it. Its code is in the registry; ``gone`` when it no longer is."""

    name = models.CharField(max_length=128, unique=True, editable=False)
    description = models.TextField(blank=True, editable=False)
    module = models.CharField(max_length=255, editable=False, help_text="Where the function is defined.")
    enabled = models.BooleanField("switched on", default=True, help_text="A tool that is off is refused to everybody.")
    gone = models.BooleanField(default=False, editable=False, help_text="No installed app registers it any more.")
    first_seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
