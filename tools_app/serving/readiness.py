"""Tells whoever started this process that it serves now, the way service managers expect it (sd_notify(3))."""

import os
import socket
from contextlib import suppress


def tell_ready() -> None:
    """Send READY=1 to NOTIFY_SOCKET, if there is one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address:
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1\n", f"\0{address[1:]}" if address.startswith("@") else address)
