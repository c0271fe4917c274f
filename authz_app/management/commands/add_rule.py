"""`manage.py add_rule` adds one rule to the policy, for scripts. It refuses what the admin's form refuses."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from authz_app.conf import conf, local_issuer_url
from authz_app.models import Client, Rule
from authz_app.pages.rules.form import RuleForm, preview
from authz_app.policy import condition_syntax
from authz_app.policy.sentence import those_of

_MOST = 255


class Command(BaseCommand):
    help = "Add a rule on tools, resources or prompts, and the clients that it names where they are not known yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--effect", required=True, choices=Rule.Effect.values)
        parser.add_argument("--issuer", metavar="I", help="issuer of the subjects (default: the embedded issuer)")
        several: dict[str, Any] = {"nargs": "+", "action": "extend", "default": []}
        parser.add_argument("--subject", metavar="S", help="for the client with this subject", **several)
        parser.add_argument("--every-client", action="store_true", help="for every client")
        parser.add_argument("--scope", metavar="X", help="token scope that the token must carry", **several)
        parser.add_argument(
            "--listed-without-scopes", action="store_true", help="list it also to those who lack only the scopes"
        )
        parser.add_argument("--kind", choices=Rule.Kind.values, default="tool", help="what the names are of")
        parser.add_argument("--tool", "--name", dest="tool", metavar="GLOB", help="name, or a glob", **several)
        parser.add_argument(
            "--condition", metavar="C", action="append", default=[], help="such as 'arguments.city equals Paris'"
        )
        parser.add_argument("--from", dest="valid_from", metavar="T", help="in force from then, 2026-12-24T08:00+01:00")
        parser.add_argument("--until", dest="valid_until", metavar="T", help="in force until then")
        parser.add_argument("--limit", metavar="N/PERIOD", help="for the effect limit, such as 100/minute")
        parser.add_argument("--together", action="store_true", help="the limit is for all of them together")
        parser.add_argument("--note", metavar="N", default="", help="why the rule exists")

    def handle(self, *args: Any, **options: Any) -> None:
        _check(options)
        with transaction.atomic():
            clients = _clients(options)
            form = RuleForm(_form_data(options, clients))
            if not form.is_valid():
                raise CommandError(" ".join(_complaints(form)))
            rule = form.save()
            rule.clients.set(form.cleaned_data["for_clients"])
        self._report(rule, clients, preview(form)["warnings"])

    def _report(self, rule: Rule, clients: list[Client], warnings: list[str]) -> None:
        trusted = {issuer.issuer for issuer in conf().trusted_issuers}
        for issuer in sorted({client.issuer for client in clients} - trusted):
            known = ", ".join(sorted(trusted)) or "none"
            warnings.append(f"No issuer {issuer} is trusted here, so nobody can be meant. Trusted: {known}.")
        for client in clients:
            if client.status != Client.Status.ACTIVE:
                warnings.append(f"{client} is {client.status}, so nothing is allowed to it whatever the rules say.")
        for warning in warnings:
            self.stderr.write(self.style.WARNING(f"Note: {warning}"))
        self.stdout.write(f"Rule {rule.pk}: {rule.sentence()}")


def _complaints(form: RuleForm) -> Iterator[str]:
    for name, errors in form.errors.items():
        option = {"valid_from": "--from: ", "valid_until": "--until: "}.get(name, "")
        yield from (f"{option}{error}" for error in errors)


def _check(options: dict[str, Any]) -> None:
    """Refuse what leaves open whom or what the rule is about."""
    if bool(options["subject"]) == options["every_client"]:
        raise CommandError("Say for whom: either --subject, once or more, or --every-client, but not both.")
    if options["every_client"] and options["issuer"]:
        raise CommandError("--every-client means the clients of every issuer: leave --issuer out, or name subjects.")
    if not options["tool"]:
        raise CommandError(
            f"Say which {those_of(options['kind'])}: --tool (or --name), once or more, with names or globs such as"
            " 'weather_*'."
        )
    if (options["effect"] == Rule.Effect.LIMIT) != bool(options["limit"]):
        raise CommandError("--effect limit and --limit belong together: say how many, such as --limit 100/minute.")
    if options["together"] and not options["limit"]:
        raise CommandError("--together says how a limit counts: it needs --effect limit.")
    if options["listed_without_scopes"] and not (options["scope"] and options["effect"] == Rule.Effect.ALLOW):
        raise CommandError("--listed-without-scopes is about the scopes of an allow rule: it needs --scope.")
    for option in ("tool", "scope"):
        for value in options[option]:
            if not value or any(character.isspace() for character in value):
                raise CommandError(f"--{option} {value!r}: a {option} is never empty and has no space in it.")


def _clients(options: dict[str, Any]) -> list[Client]:
    if options["every_client"]:
        return []
    issuer = options["issuer"] or (local_issuer_url(conf().public_url) if conf().local_issuer else "")
    if not issuer:
        raise CommandError("Say whose subjects these are: --issuer, exactly as tokens name it (their iss).")
    for name, value in (("issuer", issuer), *(("subject", subject) for subject in options["subject"])):
        if not value or len(value) > _MOST or not value.isprintable():
            raise CommandError(f"--{name} {value!r}: no token can carry it. It has 1 to {_MOST} printable characters.")
    return [_client(issuer, subject) for subject in dict.fromkeys(options["subject"])]


def _client(issuer: str, subject: str) -> Client:
    """The client's row. A new one begins as its issuer's clients do: a deny rule must not make anybody active."""
    new_clients = {trusted.issuer: trusted.new_clients for trusted in conf().trusted_issuers}
    service = subject.endswith("@clients")
    kind = Client.Kind.SERVICE if service else Client.Kind.PERSON
    defaults = {"kind": kind, "status": new_clients.get(issuer, Client.Status.ACTIVE)}
    return Client.objects.get_or_create(issuer=issuer, subject=subject, defaults=defaults)[0]


def _form_data(options: dict[str, Any], clients: list[Client]) -> dict[str, Any]:
    every = options["every_client"]
    return {
        "effect": options["effect"],
        "applies_to": Rule.AppliesTo.EVERY_CLIENT if every else Rule.AppliesTo.THESE_CLIENTS,
        "for_clients": [client.pk for client in clients],
        "kind": options["kind"],
        "token_scopes": " ".join(options["scope"]),
        "listed_without_scopes": options["listed_without_scopes"],
        "tools": "\n".join(options["tool"]),
        "conditions": _conditions(options["condition"]),
        "valid_from": options["valid_from"],
        "valid_until": options["valid_until"],
        **_limit(options["limit"], options["together"]),
        "enabled": True,
        "note": options["note"],
    }


def _conditions(lines: list[str]) -> str:
    try:
        return condition_syntax.stored([condition_syntax.typed_line(line) for line in lines])
    except condition_syntax.BadCondition as error:
        raise CommandError(f"--condition: {error}") from error


def _limit(limit: str | None, together: bool) -> dict[str, Any]:
    if limit is None:
        return {}
    calls, _, period = limit.partition("/")
    if not (calls.isascii() and calls.isdigit()) or period not in Rule.Period.values:
        raise CommandError(f"--limit {limit!r}: it is a number and a period, {', '.join(Rule.Period)}: 100/minute.")
    per = Rule.Per.TOGETHER if together else Rule.Per.CLIENT
    return {"limit_calls": calls, "limit_period": period, "limit_per": per.value}
