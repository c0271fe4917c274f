"""Which kinds of response an Accept header asks for."""

import pytest

from tools_app.transports.requests import RequestRefused
from tools_app.transports.streamable.content_negotiation import AcceptedMediaTypes, accepted_by, check_stream_accepted


def accepted(*values: str) -> AcceptedMediaTypes:
    return accepted_by({"headers": [(b"accept", value.encode("latin-1")) for value in values]})


@pytest.mark.parametrize(
    ("values", "json", "stream"),
    [
        ([], True, True),
        ([""], True, True),
        (["*/*"], True, True),
        (["application/json, text/event-stream"], True, True),
        (["text/event-stream", "application/json"], True, True),
        (["Application/JSON; charset=utf-8;q=0.1 ,TEXT/event-stream"], True, True),
        (["application/json"], True, False),
        (["application/*"], True, False),
        (["text/html, text/event-stream"], False, True),
        (["text/*"], False, True),
    ],
)
def test_what_a_client_takes(values: list[str], json: bool, stream: bool) -> None:
    assert accepted(*values) == AcceptedMediaTypes(json, stream)


@pytest.mark.parametrize("value", ["text/html", "json", "application/jsonp", "text/event-streams", "*", "\xff/json"])
def test_a_client_that_takes_neither_is_refused(value: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        accepted(value)
    assert refused.value.status == 406


def test_a_stream_is_not_begun_for_a_client_that_takes_json_alone() -> None:
    with pytest.raises(RequestRefused) as refused:
        check_stream_accepted({"headers": [(b"accept", b"application/json")]})
    assert (refused.value.status, str(refused.value)) == (406, "Send Accept: text/event-stream")
