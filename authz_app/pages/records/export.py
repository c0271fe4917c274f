"""Exports the call records or events that a list shows, with their seals: as JSONL, or as CSV in an archive."""

import asyncio
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from shlex import quote
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import Error
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse

from authz_app.audit.entries import AuditUnavailable
from authz_app.export.events import record_export
from authz_app.export.exporting import csv_rows, jsonl, seals_alone
from authz_app.export.files import csv_names, key_if_there
from authz_app.export.selection import Exported, Selection
from authz_app.models import AuditEvent
from authz_app.pages.records.selection import listed
from authz_app.pages.shared.filters import as_search
from authz_app.web.client_address import request_address
from authz_app.web.unavailable import is_unavailable, note

logger = logging.getLogger("authz_app.evidence")
# The server takes what is written, however slowly the browser reads: an export has to fit into its memory.
MOST = 50_000
_AT_A_TIME = 200
_TOO_MUCH = (
    "These are more than {:,} records. Choose fewer, or have them written to a file on the server:"
    " manage.py audit export {}--where {} --output records.jsonl"
)
_FORMS: dict[str, tuple[str, Callable[[Selection], Iterator[bytes]]]] = {
    "jsonl": ("application/jsonl", lambda selection: jsonl(selection, key_if_there())),
    "zip": ("application/zip", lambda selection: _zipped(selection)),
}


class ExportMixin:
    """Adds the export to the admin of call records or events, for those who have ``export_permissions``."""

    model: Exported
    export_permissions: tuple[str, ...] = ("authz_app.view_callrecord", "authz_app.view_arguments")
    list_after_template = "admin/record_export.html"

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site  # type: ignore[attr-defined]  # a ModelAdmin has it
        own = [
            path(
                f"export/records.{form}",
                site.admin_view(partial(self.export, form=form)),
                name=f"authz_app_{self.model._meta.model_name}_export_{form}",
            )
            for form in _FORMS
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # a ModelAdmin has it

    def may_export(self, request: HttpRequest) -> bool:
        return request.user.has_perms(self.export_permissions)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponseBase:
        context = {**(extra_context or {}), "may_export": self.may_export(request)}
        response: HttpResponseBase = super().changelist_view(request, context)  # type: ignore[misc]
        return response

    def export(self, request: HttpRequest, form: str) -> HttpResponseBase:
        """Stream what the list shows under the same query, all pages of it."""
        if not self.may_export(request):
            raise PermissionDenied
        page = reverse(f"admin:authz_app_{self.model._meta.model_name}_changelist")
        back = f"{page}?{request.GET.urlencode()}"
        try:
            selection = listed(request, self)
        except ValueError as error:
            messages.error(request, f"Nothing was exported: {error}")
            return HttpResponseRedirect(page)
        if _is_too_much(selection):
            option = "--events " if self.model is AuditEvent else ""
            messages.error(request, _TOO_MUCH.format(MOST, option, quote(as_search(request.GET.dict()))))
            return HttpResponseRedirect(back)
        try:
            record_export(selection, "csv" if form == "zip" else form, request_address(request))
        except AuditUnavailable as error:
            messages.error(request, f"Nothing was exported. {error}")
            return HttpResponseRedirect(back)
        # The event has what was chosen, redacted: a search may be for a secret.
        logger.info("Exported as %s by %s.", form, request.user.get_username())
        return _download(selection, form)


def _is_too_much(selection: Selection) -> bool:
    return any(chosen.rows.order_by().values("pk")[: MOST + 1].count() > MOST for chosen in selection.tables)


def _download(selection: Selection, form: str) -> StreamingHttpResponse:
    content_type, lines = _FORMS[form]
    name = f"records-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{form}"
    headers: dict[str, Any] = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingHttpResponse(_streamed(lines(selection)), content_type=content_type, headers=headers)


class _Sink(io.RawIOBase):
    """Buffers what is written until it is taken."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        taken, self._written = bytes(self._written), bytearray()
        return taken


def _zipped(selection: Selection) -> Iterator[bytes]:
    """Pack files that belong together: the records as CSV, and their seals."""
    sink = _Sink()
    files = [(f"{name}.csv", csv_rows(selection, chosen)) for name, chosen in csv_names("records", selection)]
    files.append(("records.seals.jsonl", seals_alone(selection, key_if_there())))
    with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
        for name, lines in files:
            with archive.open(name, "w", force_zip64=True) as file:
                for line in lines:
                    file.write(line)
                    yield sink.take()
    yield sink.take()


async def _streamed(lines: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read from the database in a thread, some lines at a time.

    Where it breaks the connection is cut: what has come is not whole, and does not look as if it were.
    """
    try:
        while chunks := await sync_to_async(lambda: list(islice(lines, _AT_A_TIME)))():
            yield b"".join(chunks)
    except Error as fault:
        if not is_unavailable(fault):
            raise
        note(fault)
        raise asyncio.CancelledError from None
