"""Serves the site with Daphne: `manage.py serve`."""

import errno
import gc
import importlib
import os
import socket
from typing import Any

from channels.routing import get_default_application
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from authz_app.core import actor
from tools_app.serving.supervisor import StartFailed, Supervisor, tell_ready


class Command(BaseCommand):
    help = "Serve the site with Daphne, which drains when it is told to stop."
    requires_system_checks = ()  # Importing the application applies them, as it does under plain Daphne.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address to listen on (default: %(default)s).")
        parser.add_argument("--port", type=int, default=settings.PORT, help="Port (default: PORT, or %(default)s).")
        parser.add_argument("--fd", type=int, help="Serve on this inherited listening socket instead.")
        parser.add_argument("--workers", type=int, default=1, help="Serve with this many processes (needs REDIS_URL).")
        parser.add_argument("--demo", action="store_true", help="First migrate the database and add the demo data.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] > 1 and not settings.REDIS_URL:
            raise CommandError("Several workers need Redis between them. Set REDIS_URL, or serve with one.")
        listening = inherited(options["fd"]) if options["fd"] is not None else bound(options["host"], options["port"])
        if options["demo"]:
            call_command("migrate", verbosity=0)
            call_command("demo")
        # What is changed from here on is not the doing of whoever started the site.
        with actor.acting(""):
            if options["workers"] > 1:
                self._supervise(listening, options["workers"])
                return
            self._serve(get_default_application(), listening)

    def _supervise(self, listening: socket.socket, count: int) -> None:
        try:
            with listening:
                Supervisor(listening, count).run()
        except StartFailed as error:
            raise CommandError(f"{error} See above.") from None

    def _serve(self, application: Any, listening: socket.socket) -> None:
        # Importing Daphne makes the event loop, which `manage.py` has chosen by now.
        server = importlib.import_module("tools_app.serving.server")
        access_log = importlib.import_module("tools_app.serving.access_log")
        process = importlib.import_module("tools_app.worker.process")
        os.set_inheritable(listening.fileno(), False)
        host, port = listening.getsockname()[:2] if listening.family != socket.AF_UNIX else ("socket", 0)
        # What is loaded by now stays for good; the collector need not look at it again.
        gc.collect()
        gc.freeze()
        # Calls leave little for it to find, and it would look for it hundreds of times a second.
        gc.set_threshold(20_000, 50, 50)
        running = server.DrainingServer(
            application,
            endpoints=[f"fd:fileno={listening.fileno()}"],
            action_logger=access_log.log_action,
            start=lambda: process.process_worker().start(),
            drain=process.drain,
            drain_seconds=settings.DRAIN_SECONDS,
            server_name="",
            ready_callable=lambda: self._ready(f"{host}:{port}"),
        )
        running.run()

    def _ready(self, where: str) -> None:
        self.stdout.write(f"Serving {settings.PUBLIC_URL} on {where}", ending="\n")
        tell_ready()


def bound(host: str, port: int) -> socket.socket:
    """A listening socket of our own.

    Raises:
        CommandError: the address cannot be used.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            text = f"Port {port} is taken by another program. Choose another: PORT=9000 make run, or --port 9000."
            raise CommandError(text) from None
        raise CommandError(f"Cannot listen on {host}, port {port}: {error}.") from None


def inherited(descriptor: int) -> socket.socket:
    """The listening socket that the parent process handed over.

    Raises:
        CommandError: the descriptor is none.
    """
    try:
        listening = socket.socket(fileno=os.dup(descriptor))
        if listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            os.close(descriptor)  # Callers are let in for as long as any copy is open.
            return listening
        listening.close()
    except OSError:
        pass
    raise CommandError(f"File descriptor {descriptor} is not a listening socket.")
