"""Keeps clients from being deleted while a rule names them or they are blocked."""

from typing import Any

from django.db.models import ProtectedError

from authz_app.models import Client

_BLOCKED = "{client} is blocked. If it were deleted, its next call would register it anew, and not as blocked."
_NAMED = "{client} is named by a rule, which would come to mean something else: {sentence}"


def why_kept(client: Client) -> list[str]:
    """Each reason why the client cannot be deleted, as a sentence."""
    blocked = [_BLOCKED.format(client=client)] if client.status == Client.Status.BLOCKED else []
    return blocked + [_NAMED.format(client=client, sentence=rule.sentence()) for rule in client.rules.all()]


def keep_blocked_client(instance: Client, using: str, **_: Any) -> None:
    """Receive ``pre_delete``. Rules that name the client protect it by their foreign key.

    Raises:
        ProtectedError: the client is blocked, whatever the instance in hand says.
    """
    if Client.objects.using(using).select_for_update().filter(pk=instance.pk, status=Client.Status.BLOCKED).exists():
        raise ProtectedError(_BLOCKED.format(client=instance), {instance})
