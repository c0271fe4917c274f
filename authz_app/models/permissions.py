"""Holds the tables of the policy: clients, rules, the policy version, and the calls counted against limits."""

from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.core.validators import MinValueValidator
from django.db import models

from authz_app.policy.compilation import RuleRow, compile_rule
from authz_app.policy.rule import EVERY_KIND


class User(AbstractUser):
    """A person who signs in here: to the admin, or through the embedded issuer."""


class Client(models.Model):
    """One issuer and subject that calls tools: a person or a service."""

    class Kind(models.TextChoices):
        PERSON = "person", "Person"
        SERVICE = "service", "Service"

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        PENDING = "pending", "Pending"
        BLOCKED = "blocked", "Blocked"

    name = models.CharField(max_length=200, blank=True, help_text="What people call this client. Copied into records.")
    issuer = models.CharField(max_length=255, help_text="The authorization server, exactly as tokens name it (iss).")
    subject = models.CharField(max_length=255, help_text="Who the token speaks of (sub), unique within its issuer.")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SERVICE)
    status = models.CharField(
        max_length=10,
        choices=Status,
        default=Status.ACTIVE,
        help_text="Active: rules decide. Pending: nothing is allowed until somebody makes it active. "
        "Blocked: nothing is allowed, and open sessions end.",
    )
    notes = models.TextField(blank=True)
    first_seen = models.DateTimeField(null=True, blank=True, editable=False)
    last_seen = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="client_issuer_subject")]
        ordering = ["name", "subject"]

    def __str__(self) -> str:
        return self.name or self.subject


class Rule(models.Model):
    """One statement of the policy: for whom, with which token scopes, if what, what is allowed, denied or limited.

    ``tools`` are names of the ``kind`` that the rule speaks of. ``conditions`` is JSON: see ``condition_syntax``.
    """

    class Effect(models.TextChoices):
        ALLOW = "allow", "Allow"
        DENY = "deny", "Deny"
        LIMIT = "limit", "Limit"

    class AppliesTo(models.TextChoices):
        THESE_CLIENTS = "these", "These clients"
        EVERY_CLIENT = "every", "Every client"

    class Kind(models.TextChoices):
        TOOL = "tool", "Tools"
        RESOURCE = "resource", "Resources"
        PROMPT = "prompt", "Prompts"
        ALL = EVERY_KIND, "All of these"

    class Period(models.TextChoices):
        MINUTE = "minute", "a minute"
        HOUR = "hour", "an hour"
        DAY = "day", "a day"

    class Per(models.TextChoices):
        CLIENT = "client", "Each client by itself"
        TOGETHER = "together", "All of them together"

    effect = models.CharField(
        max_length=10,
        choices=Effect,
        default=Effect.ALLOW,
        help_text="A deny rule beats every allow rule. A limit rule allows nothing: it refuses calls beyond a number.",
    )
    applies_to = models.CharField("for whom", max_length=10, choices=AppliesTo, default=AppliesTo.THESE_CLIENTS)
    clients = models.ManyToManyField(
        Client,
        through="RuleClient",
        related_name="rules",
        blank=True,
        help_text="With none left, the rule is for nobody.",
    )
    token_scopes = models.TextField(
        blank=True,
        help_text="The token must carry all of these, separated by spaces or lines. None: no scope is needed.",
    )
    listed_without_scopes = models.BooleanField(
        "listed without the scopes",
        default=False,
        db_default=False,
        help_text="Callers who lack nothing but these scopes see it too, with a sentence that names them: so their"
        " client can ask for them. A call is refused until it has.",
    )
    kind = models.CharField("speaks of", max_length=10, choices=Kind, default=Kind.TOOL, db_default=Kind.TOOL)
    tools = models.TextField(
        "names", blank=True, help_text="Names or globs such as weather_*, one a line. None: the rule speaks of nothing."
    )
    conditions = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="An allow rule needs all of them true. A deny or limit rule applies unless one of them is false.",
    )
    valid_from = models.DateTimeField("from", null=True, blank=True, help_text="In UTC. It decides nothing before.")
    valid_until = models.DateTimeField(
        "until", null=True, blank=True, help_text="In UTC. It decides nothing from then on."
    )
    limit_calls = models.PositiveIntegerField("calls", null=True, blank=True, validators=[MinValueValidator(1)])
    limit_period = models.CharField("in", max_length=10, choices=Period, blank=True, default="", db_default="")
    limit_per = models.CharField("counted for", max_length=10, choices=Per, blank=True, default="", db_default="")
    enabled = models.BooleanField(default=True)
    note = models.TextField(blank=True, help_text="Why this rule exists. Not read by decisions.")
    stopped_by = models.CharField(
        max_length=150,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="Who stopped all calls by this rule; empty in any other.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["pk"]
        permissions = [("explain_decision", "Can explain decisions about any client")]
        # Read by every page of the admin.
        indexes = [models.Index(fields=["id"], name="rule_stop", condition=models.Q(stopped_by__gt=""))]

    def __str__(self) -> str:
        return f"Rule {self.pk}"

    @property
    def scope_list(self) -> list[str]:
        return self.token_scopes.split()

    @property
    def tool_list(self) -> list[str]:
        return self.tools.split()

    def window_state(self, now: datetime) -> str:
        """Whether the window has opened or closed, in words; none where there is no window."""
        if self.valid_until is not None and self.valid_until <= now:
            return "Over"
        if self.valid_from is not None and self.valid_from > now:
            return "Opens later"
        return "Open" if self.valid_from or self.valid_until else ""

    def row(self) -> RuleRow:
        """The columns that are compiled."""
        return RuleRow(self.pk or 0, *(getattr(self, name) for name in RuleRow._fields[1:]))

    def sentence(self) -> str:
        named = [(client.pk, str(client)) for client in self.clients.all()] if self.pk else []
        return compile_rule(self.row(), named).sentence


class RuleClient(models.Model):
    """A rule names a client. A client that is named cannot be deleted: the rule would change its meaning."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE)
    client = models.ForeignKey(Client, on_delete=models.PROTECT)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "client"], name="rule_client")]

    def __str__(self) -> str:
        return f"{self.rule} names {self.client}"


class PolicyState(models.Model):
    """The single row that holds the policy version. Database triggers move it; nothing else writes it."""

    version = models.BigIntegerField()

    def __str__(self) -> str:
        return f"Policy version {self.version}"


class PolicyChange(models.Model):
    """One row of the policy changed in one version. Written by database triggers alone.

    ``version`` is null only inside the PostgreSQL transaction that makes the change.
    """

    version = models.BigIntegerField(null=True, db_index=True)
    entity = models.CharField(max_length=20)
    row_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"Version {self.version}: {self.entity} {self.row_id}"


class LimitCount(models.Model):
    """The calls that still count against a limit rule: for one client, or under 0 for all of them together.

    ``calls`` and ``until`` are those of ``authz_app.policy.limits``; a row that no longer matters is deleted.
    Written by ``authz_app.audit`` alone.
    """

    rule_id = models.BigIntegerField()
    client_id = models.BigIntegerField()
    calls = models.TextField()
    until = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule_id", "client_id"], name="limit_count")]

    def __str__(self) -> str:
        return f"Rule {self.rule_id}, client {self.client_id or 'any'}"
