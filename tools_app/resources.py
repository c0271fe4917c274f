"""Tells MCP clients that a resource has changed. For apps to call."""

from contextlib import suppress

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings

from tools_app.cluster.workers import EVERYBODY
from tools_app.streams.resource_updates import message_of
from tools_app.worker.process import running_worker


def updated(uri: str) -> None:
    """Tell the MCP clients that have subscribed to the resource at ``uri``, and may read it, that it has changed.

    May be called from any thread of any process of the site. Clients hear at once: inside a transaction, use
    ``transaction.on_commit(partial(updated, uri))``, or clients read what was there before.
    """
    worker = running_worker()
    if worker is not None and worker.loop is not None:
        with suppress(RuntimeError):  # The loop has closed: no stream is left here.
            worker.loop.call_soon_threadsafe(worker.updates.note, uri)
    elif settings.REDIS_URL:  # A process without streams, such as a management command's.
        async_to_sync(get_channel_layer().group_send)(EVERYBODY, message_of([uri]))
