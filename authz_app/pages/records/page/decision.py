"""Shows what was decided, why and by which rules; for a refusal, also what would help."""

from collections.abc import Collection

from django.db.models import Max
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.utils import display_for_label

from authz_app.models import CallRecord, PolicyRevision, Rule
from authz_app.pages.records.page.fields import Section
from authz_app.pages.refusals import remedies
from authz_app.pages.shared import words

COLOURS = {CallRecord.Decision.ALLOWED.value: "success", CallRecord.Decision.DENIED.value: "danger"}


def section(request: HttpRequest, record: CallRecord) -> Section:
    fields = (decision, reason, deciding_rules, explanation, policy_version)
    if record.decision != CallRecord.Decision.DENIED:
        return Section("Decision", fields)
    return Section("Decision", (*fields, helps_to_allow if request.user.has_perm("authz_app.add_rule") else helps))


@display(description="Decision")
def decision(record: CallRecord) -> SafeString:
    return display_for_label((record.decision, record.get_decision_display()), "", COLOURS)


@display(description="Reason")
def reason(record: CallRecord) -> str:
    return words.reason_sentence(record)


@display(description="Deciding rules")
def deciding_rules(record: CallRecord) -> SafeString | None:
    decided = words.parsed_json(record.rules) or []
    if not decided:
        return None
    edits = _edits_of([rule["id"] for rule in decided], record.policy_version)
    existing = set(Rule.objects.filter(pk__in=[rule["id"] for rule in decided]).values_list("pk", flat=True))
    shown = [{**rule, "exists": rule["id"] in existing, "then": edits.get(rule["id"])} for rule in decided]
    return render_to_string("admin/authz_app/callrecord/rules.html", {"rules": shown})


def _edits_of(rule_ids: Collection[int], version: int) -> dict[int, int]:
    """Find, for each rule, the edit that made it what it was under a version, where the history has one."""
    revisions = PolicyRevision.objects.filter(entity="rule", entity_id__in=rule_ids, edit__version__lte=version)
    latest = revisions.order_by().values("entity_id").annotate(latest=Max("edit_id"))
    return dict(latest.values_list("entity_id", "latest"))


@display(description="Explanation")
def explanation(record: CallRecord) -> SafeString:
    link = reverse("explain_record", args=[record.pk])
    return format_html('<a href="{}">Every rule that concerned it, and how it came out</a>', link)


@display(description="Policy version")
def policy_version(record: CallRecord) -> SafeString:
    version = record.policy_version
    link = reverse("admin:authz_app_policyedit_version", args=[max(0, version)])
    return format_html('{} <span class="quiet">·</span> <a href="{}">What it changed, and when</a>', version, link)


@display(description="To allow it")
def helps(record: CallRecord) -> SafeString:
    return _remedy(record, may_allow=False)


@display(description="To allow it")
def helps_to_allow(record: CallRecord) -> SafeString:
    return _remedy(record, may_allow=True)


def _remedy(record: CallRecord, *, may_allow: bool) -> SafeString:
    remedy = remedies.remedy_of(record, remedies.current_state([record], timezone.now()))
    context = {"remedy": remedy, "record_id": record.pk, "may_allow": may_allow}
    return render_to_string("admin/refusals/remedy.html", context)
