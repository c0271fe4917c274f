"""What pages say while the database cannot be used: 503, in words, and never a traceback."""

import logging
from collections.abc import Callable

from django.contrib.sessions import middleware as sessions
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string

from authz_app.audit.entries import AuditUnavailable
from authz_app.core.database_errors import in_short, is_outage
from authz_app.core.failure_log import FailureLog

_RETRY_AFTER = "5"
failure_log = FailureLog(logging.getLogger(__name__), "Pages that need the database can be shown again.")


def is_unavailable(fault: BaseException) -> bool:
    """Whether a page failed because the database, or the audit, cannot be used."""
    return isinstance(fault, AuditUnavailable) or is_outage(fault)


def note(fault: BaseException) -> None:
    """Say in the log, once, that pages cannot be shown."""
    failure_log.failed("Pages that need the database cannot be shown: %s", in_short(fault))


def unavailable(fault: BaseException) -> HttpResponse:
    """The page that says so. It needs no database itself."""
    note(fault)
    return as_unavailable(HttpResponse(render_to_string("503.html", {"database": True}), status=503))


def as_unavailable(response: HttpResponse) -> HttpResponse:
    """Tell programs when to try again, and caches not to keep it."""
    response.headers["Retry-After"] = _RETRY_AFTER
    response.headers.setdefault("Cache-Control", "no-store")
    # Or Django would write a line for each; the access log has one.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class UnavailableMiddleware:
    """For views that fail because of the database. Middleware that does is not covered: it has to see to itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return unavailable(exception) if is_unavailable(exception) else None


class SessionMiddleware(sessions.SessionMiddleware):
    """Django's, which writes sessions to the database after the view has answered."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except (Error, SessionInterrupted) as fault:
            if cause := _unavailable_behind(fault):
                return unavailable(cause)
            raise


def _unavailable_behind(fault: BaseException | None) -> BaseException | None:
    """The fault of the database that led to this one. Django takes it for a session that somebody deleted."""
    while fault is not None and not is_unavailable(fault):
        fault = fault.__context__
    return fault
