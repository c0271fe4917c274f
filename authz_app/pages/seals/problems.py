"""Checks a seal for its page: what holds, and what does not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from authz_app.evidence.health import check_now
from authz_app.evidence.keys import AuditKeyError
from authz_app.models import AuditEvent, AuditSeal, CallRecord
from authz_app.redaction.log_lines import visible

_SHOWN = 100
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class CheckPanel:
    """One check of a seal. ``holds`` says what is so without ``problems``; ``more`` counts those that are not shown."""

    holds: str
    problems: Sequence[SafeString | str]
    more: int = 0


def check_panels(seal: AuditSeal) -> list[CheckPanel]:
    try:
        check = check_now(seal)
    except AuditKeyError as error:
        return [CheckPanel("", [f"Its signature cannot be checked here: {error}"])]
    before = f"It follows seal {seal.number - 1}, as that is now." if seal.number > 1 else "It is the first."
    return [
        _panel("Its signature is that of a key that is trusted here.", check.signature),
        _panel(before, check.link),
        _panel(_records_hold(seal), *check.records),
    ]


def _records_hold(seal: AuditSeal) -> str:
    if seal.pruned:
        return f"Its {seal.count:,} records were pruned, with the key. What they were is not known here."
    if not seal.count:
        return "Nothing had happened, and nothing has been put under it."
    return f"All its records, {seal.count:,}, are there and as they were written."


def _panel(holds: str, *problems: str) -> CheckPanel:
    found = [problem for problem in problems if problem]
    return CheckPanel(holds, with_links(found[:_SHOWN]), max(0, len(found) - _SHOWN))


def with_links(problems: Sequence[str]) -> list[SafeString | str]:
    """Link the ids in these sentences to the pages of the records, where those exist."""
    named = [found.group() if (found := _ID.search(one)) else "" for one in problems]
    links = {**_links(CallRecord, named), **_links(AuditEvent, named)}
    return [_linked(one, known_as, links.get(known_as)) for one, known_as in zip(problems, named, strict=True)]


def _links(model: type[CallRecord] | type[AuditEvent], ids: Sequence[str]) -> dict[str, str]:
    existing = model._default_manager.filter(pk__in=[*filter(None, ids)]).values_list("pk", flat=True)
    return {str(pk): reverse(f"admin:authz_app_{model._meta.model_name}_change", args=[pk]) for pk in existing}


def _linked(problem: str, record_id: str, link: str | None) -> SafeString | str:
    if link is None:
        return visible(problem)
    before, _, after = problem.partition(record_id)
    return format_html('{}<a href="{}">{}</a>{}', visible(before), link, record_id, visible(after))
