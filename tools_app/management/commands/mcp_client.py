"""`manage.py mcp_client`: an MCP client at the terminal. Reads the command line; `tools_app.client` does the rest."""

import asyncio
import logging
import os
import sys
from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tools_app.client.actions import Action, AskModel, CallTool, ListTools
from tools_app.client.address import sse_url
from tools_app.client.ask import language_model
from tools_app.client.connection import BearerToken, connect
from tools_app.client.errors import ClientError, Unusable
from tools_app.client.terminal import safe
from tools_app.client.terminal_person import TerminalPerson
from tools_app.client.token import fetched_token, given_token

_INTERRUPTED = 130
_PATIENCE = 60.0


class Command(BaseCommand):
    help = (
        "List and call the tools of an MCP server over HTTP+SSE. Ends with 0 when it worked, 1 when the server or the"
        " tool said no, 2 when the command or the connection was no good."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="the server, such as http://127.0.0.1:8000")
        _add_options(parser, token=None, timeout=_PATIENCE)
        actions = parser.add_subparsers(dest="action", required=True, metavar="list | call | ask")
        listing = actions.add_parser("list", help="print the tools that you may call")
        calling = actions.add_parser("call", help="call one tool")
        calling.add_argument("tool")
        calling.add_argument("words", nargs="*", metavar="key=value", help="key:=JSON for a value that is JSON")
        asking = actions.add_parser("ask", help="let a language model (OPENAI_MODEL) choose the tool")
        asking.add_argument("question")
        for action in (listing, calling, asking):
            _add_options(action, token=SUPPRESS, timeout=SUPPRESS)
        for action in (listing, calling):
            action.add_argument("--json", action="store_true", help="print what the server sent, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # The SDK logs a refused request with its traceback; the sentence is enough.
        for name in ("mcp", "client", "httpx2"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            url, action = sse_url(options["url"]), _action(options)
            auth = BearerToken(_token(options["token"], url))
            asyncio.run(self._run(url, action, auth, options["timeout"]))
        except ClientError as error:
            self.stderr.write(safe(str(error)))
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)

    async def _run(self, url: str, action: Action, auth: BearerToken, patience: float) -> None:
        stdin = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        async with connect(url, auth, TerminalPerson(stdin, self._tell), patience) as connection:
            await action.run(connection, self.stdout.write, self._tell)

    def _tell(self, text: str) -> None:
        self.stderr.write(safe(text), style_func=str)


def _add_options(parser: ArgumentParser, *, token: str | None, timeout: float | str) -> None:
    # Before and after the action alike; what is absent there must not undo what stood before.
    parser.add_argument(
        "--token",
        default=token,
        help="the access token, or - to read it from standard input; others on this machine can see it in the list of"
        " processes, unlike MCP_TOKEN in the environment",
    )
    parser.add_argument("--timeout", type=float, default=timeout, help="longest silence of the server, in seconds")


def _action(options: dict[str, Any]) -> Action:
    match options["action"]:
        case "list":
            return ListTools(options["json"])
        case "call":
            return CallTool(options["tool"], options["words"], options["json"])
    return AskModel(options["question"], language_model(os.environ))


def _token(given: str | None, url: str) -> str:
    if given == "-":
        if sys.stdin is None:
            raise Unusable("There is no standard input to read the token from.")
        return given_token(sys.stdin.readline())
    held = os.environ.get("MCP_TOKEN") if given is None else given
    return fetched_token(url, os.environ) if held is None else given_token(held)
