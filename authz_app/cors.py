"""Let web pages of any origin read what is for everybody (Fetch standard, "CORS protocol"). Sends no credentials."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

# What MCP clients send to OAuth endpoints beyond what the Fetch standard lets any page send.
_HEADERS = "Authorization, Content-Type, MCP-Protocol-Version"
_DAY = "86400"


def from_any_origin(methods: str) -> Callable[[View[P]], View[P]]:
    """Decorate a view whose answers depend on nothing that a browser adds by itself, such as a cookie."""

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **options: P.kwargs) -> HttpResponse:
            response = _preflight(methods) if request.method == "OPTIONS" else view(request, *args, **options)
            response["Access-Control-Allow-Origin"] = "*"
            return response

        return answer

    return decorate


def _preflight(methods: str) -> HttpResponse:
    headers = {
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _HEADERS,
        "Access-Control-Max-Age": _DAY,
    }
    return HttpResponse(status=204, headers=headers)
