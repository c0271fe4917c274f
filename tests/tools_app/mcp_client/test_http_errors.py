"""What an HTTP refusal is told as.

Covers: tools_app.mcp_client.errors
"""

import pytest

from tools_app.mcp_client.errors import Refused, Unusable
from tools_app.mcp_client.http_errors import ErrorResponse

URL = "https://host/sse"


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (
            ErrorResponse(401, URL, b'{"error": "invalid_token", "error_description": "Expired."}'),
            "The server does not accept the access token (HTTP 401, invalid_token): Expired.",
        ),
        (
            ErrorResponse(401, URL, challenge='Bearer error="invalid_token", error_description="Expired."'),
            "The server does not accept the access token (HTTP 401, invalid_token): Expired.",
        ),
        (ErrorResponse(401, URL, challenge="Bearer"), "The server does not accept the access token (HTTP 401)."),
        (
            ErrorResponse(403, URL, b'{"error": {"code": 1, "message": "Ask.", "data": {"error": "client_blocked"}}}'),
            "The server refuses this caller (HTTP 403, client_blocked): Ask.",
        ),
        (ErrorResponse(403, URL, b'{"error": "No."}'), "The server refuses this caller (HTTP 403): No."),
        (ErrorResponse(403, URL, b"Host\n not allowed"), "The server refuses this caller (HTTP 403): Host not allowed"),
        (ErrorResponse(502, URL, b"<html>x"), "The server answers with an error (HTTP 502)."),
        (ErrorResponse(503, URL, retry_after="x"), "The server cannot decide right now (HTTP 503)."),
        (ErrorResponse(307, URL, location="https://b/"), "https://host/sse has moved to https://b/ (HTTP 307)."),
        (ErrorResponse(400, URL, b"[" * 5_000), "The server answers with an error (HTTP 400)."),
    ],
)
def test_a_refusal_is_a_sentence_with_the_servers_own_words(refusal, sentence):
    assert refusal.sentence() == sentence


def test_a_refusal_can_not_flood_or_drive_the_terminal():
    sentence = ErrorResponse(403, URL, b"\x1b[2J" + b"x" * 10_000).sentence()
    assert "\x1b" not in sentence
    assert len(sentence) < 500


@pytest.mark.parametrize(("status", "kind"), [(401, Refused), (403, Refused), (404, Unusable), (503, Unusable)])
def test_who_is_refused_and_what_does_not_work_are_told_apart(status, kind):
    assert isinstance(ErrorResponse(status, URL).error(), kind)
