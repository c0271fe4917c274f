"""Answer pages while the database cannot be used: with 503, in words, and never a traceback."""

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


def is_unavailable(error: BaseException) -> bool:
    """Whether a page failed because the database, or the audit, cannot be used."""
    return isinstance(error, AuditUnavailable) or is_outage(error)


def note(error: BaseException) -> None:
    """Log, once, that pages cannot be shown."""
    failure_log.failed("Pages that need the database cannot be shown: %s", in_short(error))


def unavailable(error: BaseException) -> HttpResponse:
    """The page that says that the database cannot be used. It needs no database itself."""
    note(error)
    return as_unavailable(HttpResponse(render_to_string("503.html", {"database": True}), status=503))


def as_unavailable(response: HttpResponse) -> HttpResponse:
    """Tell programs when to try again, and caches not to keep it."""
    response.headers["Retry-After"] = _RETRY_AFTER
    response.headers.setdefault("Cache-Control", "no-store")
    # Or Django would write a line for each; the access log has one.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


class UnavailableMiddleware:
    """Answers for views that fail because of the database. Middleware that fails so has to answer itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return unavailable(exception) if is_unavailable(exception) else None


class SessionMiddleware(sessions.SessionMiddleware):
    """Django's middleware of sessions, which writes them to the database after the view has answered."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except (Error, SessionInterrupted) as error:
            if cause := _unavailable_behind(error):
                return unavailable(cause)
            raise


def _unavailable_behind(error: BaseException | None) -> BaseException | None:
    """The error of the database that led to this one. Django takes it for a session that somebody deleted."""
    while error is not None and not is_unavailable(error):
        error = error.__context__
    return error
