"""Let pages of any origin read what depends on no cookie (Fetch standard, "CORS protocol"). Sends no credentials."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]

# What MCP clients send to OAuth endpoints beyond what the Fetch standard lets any page send.
_HEADERS = "Authorization, Content-Type, MCP-Protocol-Version"
_DAY = "86400"


def from_any_origin(view: View[P]) -> View[P]:
    """Decorate a view to GET whose answers depend on nothing that a browser adds by itself, such as a cookie."""

    @wraps(view)
    def answer(request: HttpRequest, /, *args: P.args, **options: P.kwargs) -> HttpResponse:
        response = HttpResponse(status=204) if request.method == "OPTIONS" else view(request, *args, **options)
        return open_to_any_origin(response, "GET")

    return answer


def open_to_any_origin(response: HttpResponse, methods: str) -> HttpResponse:
    """Let any page read the response; as the answer to a preflight it allows ``methods``."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = methods
    response["Access-Control-Allow-Headers"] = _HEADERS
    response["Access-Control-Max-Age"] = _DAY
    return response
