"""Attribute what a signed-in person changes to that person, in the policy's history."""

from collections.abc import Callable

from django.db import Error
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from authz_app.core import actor
from authz_app.web.unavailable import failure_log, is_unavailable, unavailable


class ActingUserMiddleware:
    """Names the user for every write in the request. Stands behind the middleware that authenticates the user."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            name = request.user.get_username() if request.user.is_authenticated else ""
        except Error as error:
            # The user and the session are read here for the first time.
            if is_unavailable(error):
                return unavailable(error)
            raise
        if not name:
            return self._get_response(request)
        failure_log.worked()
        with actor.acting(actor.user(name)):
            return self._get_response(request)
