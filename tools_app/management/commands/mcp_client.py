"""Runs an MCP client at the terminal: `manage.py mcp_client`. Reads the command line for `tools_app.mcp_client`."""

import asyncio
import logging
import os
import sys
from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from tools_app.mcp_client.actions import Action, AskModel, CallTool, PrintList, ReadResource, UsePrompt
from tools_app.mcp_client.address import TRANSPORTS, Endpoint, endpoint
from tools_app.mcp_client.connection import Connection, connect
from tools_app.mcp_client.credentials import BearerToken, Credentials
from tools_app.mcp_client.display import prompt_list, resource_list, tool_list
from tools_app.mcp_client.errors import ClientError, Unusable
from tools_app.mcp_client.language_model import language_model
from tools_app.mcp_client.login import CALLBACK_PORT, Application, Login
from tools_app.mcp_client.loopback import redirect_uri
from tools_app.mcp_client.person import TerminalPerson
from tools_app.mcp_client.terminal import safe
from tools_app.mcp_client.token import fetched_token, given_token, typed_token
from tools_app.mcp_client.token_storage import file_for

_INTERRUPTED = 130
ACTIONS = {
    "list": "print the tools that you may call",
    "call": "call one tool",
    "resources": "print the resources that you may read",
    "read": "print what a resource holds",
    "prompts": "print the prompts that you may use",
    "prompt": "print the messages of a prompt",
    "ask": "let a language model (OPENAI_MODEL) choose the tool",
}


class Command(BaseCommand):
    help = (
        "List and call the tools of an MCP server over HTTP+SSE or Streamable HTTP. Ends with 0 when it worked, 1 when"
        " the server or the tool said no, 2 when the command or the connection was no good."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", help="the server, such as http://127.0.0.1:8000/mcp")
        _add_options(parser)
        parser.set_defaults(callback_port=CALLBACK_PORT, timeout=60.0)
        actions = parser.add_subparsers(dest="action", required=True, metavar=" | ".join(ACTIONS))
        for name, explanation in ACTIONS.items():
            # What stands before the action must not be undone by what is absent after it.
            action = actions.add_parser(name, help=explanation, argument_default=SUPPRESS)
            _add_options(action)
            if name == "ask":
                action.add_argument(
                    "questions", nargs="*", default=[], metavar="question", help="in quotes; none: from stdin"
                )
                continue
            action.add_argument("--json", action="store_true", help="print what the server sent, as JSON")
            if name == "read":
                action.add_argument("uri")
            if name in ("call", "prompt"):
                action.add_argument("name")
                words = "key:=JSON for a value that is JSON"
                action.add_argument("words", nargs="*", default=[], metavar="key=value", help=words)

    def handle(self, *args: Any, **options: Any) -> None:
        # The SDK logs a refused request with its traceback; the sentence is enough.
        for name in ("mcp", "client", "httpx2"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            server, action = endpoint(options["url"], options["transport"]), _action(options)
            asyncio.run(self._run(server, action, self._credentials(server.url, options), options["timeout"]))
        except ClientError as error:
            self.stderr.write(safe(str(error)))
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)

    async def _run(self, server: Endpoint, action: Action, credentials: Credentials, patience: float) -> None:
        stdin = sys.stdin.fileno() if sys.stdin is not None and sys.stdin.isatty() else None
        async with connect(server, credentials, TerminalPerson(stdin, self._tell), patience) as connection:
            await action.run(connection, self.stdout.write, self._tell)

    def _credentials(self, url: str, options: dict[str, Any]) -> Credentials:
        if not (options["login"] or options["client_id"]):
            return BearerToken(_token(options["token"], url))
        if options["token"] is not None:
            raise Unusable("Give a token or log in, not both.")
        client_id = options["client_id"]
        # A secret in the environment goes with the ID that stands beside it, and with no other.
        secret = os.environ.get("CLIENT_SECRET", "") if client_id == os.environ.get("CLIENT_ID") else ""
        application = Application(client_id, secret) if client_id else None
        return Login(url, file_for(url, client_id, os.environ), self._tell, application, options["callback_port"])

    def _tell(self, text: str) -> None:
        self.stderr.write(safe(text), style_func=str)


def _add_options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--token",
        help="the access token, or - to read it from standard input; others on this machine can see it in the list of"
        " processes, unlike MCP_TOKEN in the environment",
    )
    parser.add_argument(
        "--login",
        action="store_true",
        help="log in with the browser; the tokens are kept in a file that only you can read",
    )
    parser.add_argument(
        "--client-id",
        metavar="ID",
        help="log in as this OAuth application, rather than as one that is registered for it",
    )
    parser.add_argument(
        "--callback-port",
        type=int,
        metavar="PORT",
        help=f"where the browser comes back to: {redirect_uri(CALLBACK_PORT)}",
    )
    parser.add_argument("--transport", choices=TRANSPORTS, help="what the server speaks at this URL")
    parser.add_argument("--timeout", type=float, help="longest silence of the server, in seconds")


def _action(options: dict[str, Any]) -> Action:
    as_json = options.get("json", False)
    match options["action"]:
        case "list":
            return PrintList("tool", Connection.tools, tool_list, as_json)
        case "call":
            return CallTool(options["name"], options["words"], as_json)
        case "resources":
            return PrintList("resource", Connection.resources, resource_list, as_json)
        case "read":
            return ReadResource(options["uri"], as_json)
        case "prompts":
            return PrintList("prompt", Connection.prompts, prompt_list, as_json)
        case "prompt":
            return UsePrompt(options["name"], options["words"], as_json)
    return AskModel(options["questions"], language_model(os.environ))


def _token(given: str | None, url: str) -> str:
    if given is not None:
        return typed_token(given)
    held = os.environ.get("MCP_TOKEN")
    return fetched_token(url, os.environ) if held is None else given_token(held)
