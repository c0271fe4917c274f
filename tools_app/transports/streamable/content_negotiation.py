"""Reads which kinds of response a client of Streamable HTTP takes (RFC 9110 section 12.5.1)."""

from dataclasses import dataclass

from authz_app.core.asgi import Scope
from tools_app.transports.requests import RequestRefused, header_values

_JSON = frozenset({"application/json", "application/*", "*/*"})
_STREAM = frozenset({"text/event-stream", "text/*", "*/*"})


@dataclass(frozen=True, slots=True)
class AcceptedMediaTypes:
    """Whether the client takes JSON, an event stream, or both, as it should."""

    json: bool
    stream: bool


def accepted_by(scope: Scope) -> AcceptedMediaTypes:
    """Read the Accept header; whoever sends none takes anything.

    Raises:
        RequestRefused: the client takes neither.
    """
    values = header_values(scope, b"accept")
    ranges = {item.partition(";")[0].strip().lower() for value in values for item in value.split(",")} - {""}
    accepted = AcceptedMediaTypes(json=not ranges or bool(ranges & _JSON), stream=not ranges or bool(ranges & _STREAM))
    if not accepted.json and not accepted.stream:
        raise _not_acceptable("application/json, text/event-stream")
    return accepted


def check_stream_accepted(scope: Scope) -> None:
    """Refuse a GET whose client takes no event stream.

    Raises:
        RequestRefused: it takes none.
    """
    if not accepted_by(scope).stream:
        raise _not_acceptable("text/event-stream")


def check_both_accepted(scope: Scope) -> None:
    """Refuse a request of 2026-07-28 whose client does not say that it takes either kind of answer, as it must.

    Raises:
        RequestRefused: it takes one alone, or does not say.
    """
    accepted = accepted_by(scope)
    if not (accepted.json and accepted.stream and header_values(scope, b"accept")):
        raise _not_acceptable("application/json, text/event-stream")


def _not_acceptable(wanted: str) -> RequestRefused:
    return RequestRefused(406, "not_acceptable", f"Send Accept: {wanted}")
