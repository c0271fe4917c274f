"""Decorate the pages outside the admin: no other site may frame them, and they load from this site alone."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from redis.exceptions import RedisError

from authz_app.web.unavailable import as_unavailable

logger = logging.getLogger(__name__)
View = Callable[..., HttpResponseBase]
# Without form-action: browsers would apply it to the way back to the application after consent.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


def site_page(view: View) -> View:
    """Decorate a view that answers a person."""

    @never_cache
    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = _answered(view, request, args, kwargs)
        response["Content-Security-Policy"] = _POLICY
        response["X-Frame-Options"] = "DENY"
        return response

    return answer


def _answered(view: View, request: HttpRequest, args: Any, kwargs: Any) -> HttpResponseBase:
    try:
        return view(request, *args, **kwargs)
    except RedisError as error:
        logger.error("Redis, which keeps what sign-in needs, does not answer: %s", error)
        return as_unavailable(render(request, "503.html", status=503))
