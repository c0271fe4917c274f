"""Answers whether a client may call a tool, and why: `manage.py can_i`. `tools_app.explain.explain` has the answers."""

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NoReturn

import orjson
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from authz_app import json_text
from authz_app.conf import conf, local_issuer_url
from authz_app.core.strict_json import JsonRefused, parse
from authz_app.explain.simulated_principal import BadIdentity, principal_for
from authz_app.history.past import NotInHistory
from authz_app.models import Client
from authz_app.policy.principal import Principal
from authz_app.policy.rule import KINDS, Kind
from tools_app.explain.as_json import as_json
from tools_app.explain.explain import Moment, access_request_about, explained, may_use, moment_of
from tools_app.invocation.listing import lacking_words
from tools_app.mcp_client.arguments import parse_arguments
from tools_app.mcp_client.errors import Unusable
from tools_app.mcp_client.terminal import safe
from tools_app.mcp_client.token import typed_token
from tools_app.registry import registered_tools

_DEPTH = 16
_ANY = {"additionalProperties": True}


class Command(BaseCommand):
    help = (
        "Say whether a client may call a tool, read a resource or use a prompt, and why. Ends with 0 where it may, 1"
        " where it may not, 2 where the question is no good."
    )
    # What they find would end the command with 1, as if it had been denied.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        who = parser.add_argument_group("who")
        who.add_argument("--client", metavar="NAME", help="a known client, by its name or subject")
        who.add_argument("--issuer", metavar="I", help="issuer of the subject (default: the embedded issuer)")
        who.add_argument("--subject", metavar="S", help="a client by its subject, known or not")
        who.add_argument("--claims", metavar="JSON", help="claims of the access token, as a JSON object")
        who.add_argument(
            "--scope", metavar="X", action="append", default=[], help="a token scope that the token carries"
        )
        who.add_argument("--token", metavar="T", help="an access token, or - to read it from standard input")
        parser.add_argument("--kind", choices=KINDS, default="tool", help="what the name is of (default: tool)")
        parser.add_argument("--at", metavar="T", help="at that time (2026-12-24T08:00+01:00), by the policy of then")
        parser.add_argument("--arguments", metavar="JSON", help="the arguments, as a JSON object")
        parser.add_argument("--list", action="store_true", help="print all that the client may call, read and use")
        parser.add_argument("--json", action="store_true", help="print the answer as JSON")
        parser.add_argument("name", nargs="?", help="of the tool or the prompt; the URI or the name of the resource")
        parser.add_argument("words", nargs="*", metavar="key=value", help="arguments; key:=JSON for a value in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            allowed = self._list(options) if options["list"] else self._answer(options)
        except (BadIdentity, NotInHistory, Unusable) as error:
            _refuse(str(error))
        if not allowed:
            sys.exit(1)

    def _answer(self, options: dict[str, Any]) -> bool:
        kind, name = options["kind"], options["name"]
        if not name:
            _refuse("Say what is to be called: the name of a tool. Or --list, for all that may be.")
        request, arguments = access_request_about(kind, name, _arguments(kind, name, options))
        principal = _caller(options)
        moment = _moment(options["at"], principal)
        answer = as_json(explained(principal, request, arguments, moment))
        self._print(_in_json(answer) if options["json"] else "\n".join(_lines(answer)))
        return bool(answer["allowed"])

    def _list(self, options: dict[str, Any]) -> bool:
        if options["name"] or options["arguments"]:
            _refuse("--list is about everything: leave the name and the arguments out.")
        principal = _caller(options)
        moment = _moment(options["at"], principal)
        found = [
            (kind, name, lacking_words(one.listed_without))
            for kind, name, one in may_use(principal, moment)
            if one.listed
        ]
        if options["json"]:
            lacks = [{"lacks": lacking} if lacking else {} for _, _, lacking in found]
            self._print(
                _in_json(
                    [{"kind": kind, "name": name, **more} for (kind, name, _), more in zip(found, lacks, strict=True)]
                )
            )
        else:
            self._print("\n".join(_in_list(*each) for each in found) or "Nothing.")
        return any(not lacking for _, _, lacking in found)

    def _print(self, text: str) -> None:
        self.stdout.write(safe(text))


def _in_list(kind: Kind, name: str, lacking: str) -> str:
    return f"{kind} {name}" + (f" (listed, but lacks the token scope {lacking})" if lacking else "")


def _refuse(message: str) -> NoReturn:
    raise CommandError(safe(message), returncode=2)


def _caller(options: dict[str, Any]) -> Principal:
    token = "" if options["token"] is None else typed_token(options["token"])
    claims = None if options["claims"] is None else _json_object("--claims", options["claims"])
    return principal_for(_client(options), claims, token, options["scope"])


def _client(options: dict[str, Any]) -> tuple[str, str] | None:
    name, issuer, subject = options["client"], options["issuer"], options["subject"]
    if name is not None:
        if issuer or subject:
            _refuse("Name the client by --client, or by --issuer and --subject, not by both.")
        return _known(name)
    if subject is None:
        if issuer:
            _refuse("--issuer says whose the --subject is: give that, too.")
        return None
    if not issuer and not conf().local_issuer:
        _refuse("Say whose subject this is: --issuer, exactly as tokens name it (their iss).")
    return issuer or local_issuer_url(conf().public_url), subject


def _known(name: str) -> tuple[str, str]:
    named = Client.objects.filter(name=name) | Client.objects.filter(subject=name)
    found = list(named.values_list("issuer", "subject")[:2])
    if len(found) == 1:
        return found[0]
    _refuse(
        f"There are several clients called {name!r}: name one by --issuer and --subject."
        if found
        else f"There is no client called {name!r}. One that is not known yet is named by --issuer and --subject."
    )


def _moment(text: str | None, caller: Principal) -> Moment:
    if text is None:
        return moment_of(None, caller)
    try:
        at = datetime.fromisoformat(text)
        return moment_of(at if at.tzinfo else timezone.make_aware(at), caller)
    except (ValueError, OverflowError) as error:
        raise CommandError(f"--at {text!r} is no time, such as 2026-12-24T08:00+01:00.", returncode=2) from error


def _arguments(kind: Kind, name: str, options: dict[str, Any]) -> dict[str, Any] | None:
    """None where there are none: the question is then whether any would do."""
    words = options["words"]
    if options["arguments"] is not None:
        if words:
            _refuse("Give the arguments as key=value or by --arguments, not both.")
        return _json_object("--arguments", options["arguments"])
    if not words:
        return None
    if kind == "prompt":
        return parse_arguments(words, name, {"additionalProperties": {"type": "string"}})
    tool = registered_tools().get(name) if kind == "tool" else None
    # A call that lacks an argument is decided like any other.
    return parse_arguments(words, name, {**tool.listed.input_schema, "required": []} if tool else _ANY)


def _json_object(option: str, text: str) -> dict[str, Any]:
    try:
        value = parse(text.encode("utf-8", "surrogatepass"), _DEPTH)
    except JsonRefused as error:
        raise CommandError(f"{option} is no JSON: {error}.", returncode=2) from error
    if not isinstance(value, dict):
        _refuse(f'{option} takes a JSON object, such as \'{{"name": "value"}}\'.')
    return value


def _in_json(value: Any) -> str:
    return json_text.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _lines(answer: dict[str, Any]) -> Iterator[str]:
    yield f"{'Allowed' if answer['allowed'] else 'Denied'}: {answer['why']}"
    client = answer["client"]
    new = "" if client["known"] else ", not seen yet"
    yield f"  Client: {client['name'] or client['subject']} ({client['subject']} of {client['issuer']}{new})"
    yield f"  Token scopes: {' '.join(answer['token_scopes']) or 'none'}"
    yield f"  {answer['kind'].capitalize()}: {answer['name']}, with {_with(answer)}"
    yield f"  At {answer['at']}, policy version {answer['policy_version']}"
    for rule in answer["rules"]:
        role = "decides" if rule["decides"] else "applies" if rule["applies"] == "true" else "does not apply"
        yield f"  Rule {rule['id']} {role}: {rule['sentence']}"
        for part in rule["parts"]:
            yield f"    {part['verdict']:8}{part['asks']}: {part['found']}"


def _with(answer: dict[str, Any]) -> str:
    if answer["arguments"] is not None:
        return f"the arguments {json_text.dumps(answer['arguments']).decode()}"
    if answer["example"]:
        return f"some arguments, such as {json_text.dumps(answer['example']).decode()}"
    return "whatever arguments"
