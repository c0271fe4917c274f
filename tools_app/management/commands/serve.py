"""Serves the site with Daphne: `manage.py serve`."""

import gc
import importlib
import os
import socket
from functools import partial
from typing import Any

from channels.routing import get_default_application
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from authz_app.core import actor
from authz_app.web_address import is_loopback
from tools_app.serving.listening import CannotListen, bound, inherited, where
from tools_app.serving.supervisor import StartFailed, Supervisor, tell_ready


class Command(BaseCommand):
    help = "Serve the site with Daphne, which drains when it is told to stop."
    requires_system_checks = ()  # Importing the application applies them, as it does under plain Daphne.

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--host", default="127.0.0.1", help="Address to listen on (default: %(default)s); `::` is all of them."
        )
        parser.add_argument("--port", type=int, default=settings.PORT, help="Port (default: PORT, or %(default)s).")
        parser.add_argument("--fd", type=int, help="Serve on this inherited listening socket instead, of TCP or unix.")
        parser.add_argument("--workers", type=int, default=1, help="Serve with this many processes (needs REDIS_URL).")
        parser.add_argument("--demo", action="store_true", help="First migrate the database and add the demo data.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["workers"] > 1 and not settings.REDIS_URL:
            raise CommandError("Several workers need Redis between them. Set REDIS_URL, or serve with one.")
        if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY and not is_loopback(options["host"]):
            raise CommandError(
                f"With --host {options['host']} other machines can connect, and the key that is used without SECRET_KEY"
                " is known to everybody. Set SECRET_KEY to 50 random characters."
            )
        listening = self._listening(**options)
        if options["demo"]:
            call_command("migrate", verbosity=0)
            call_command("demo")
        # What is changed from here on is not the doing of whoever started the site.
        with actor.acting(""):
            if options["workers"] > 1:
                self._supervise(listening, options["workers"])
                return
            self._serve(get_default_application(), listening)

    def _listening(self, *, fd: int | None, host: str, port: int, **_: Any) -> socket.socket:
        try:
            return inherited(fd) if fd is not None else bound(host, port)
        except CannotListen as error:
            raise CommandError(str(error)) from None

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
            ready_callable=partial(self._ready, where(listening)),
        )
        running.run()

    def _ready(self, where: str) -> None:
        self.stdout.write(f"Serving {settings.PUBLIC_URL} on {where}", ending="\n")
        tell_ready()
