"""What a signed-in person changes is that person's doing in the policy's history."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from authz_app import actors


class ActingUserMiddleware:
    """Names the user for every write in the request. Goes behind what finds out who the user is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self._get_response(request)
        with actors.acting(actors.user(request.user.get_username())):
            return self._get_response(request)
