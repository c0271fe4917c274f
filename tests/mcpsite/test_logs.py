"""How a log line is written.

Covers: authz_app.redaction.log_lines
"""

import logging
import sys

import pytest
from django.test import Client
from django.urls import reverse

from authz_app.models import User
from mcpsite import logs
from mcpsite.logs import LineFormatter
from tests.secret_corpus import SHAPED

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJlLW9m"


def written(message: str, *arguments: object, error: BaseException | None = None) -> str:
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("name", logging.INFO, __file__, 1, message, arguments, exc_info)
    return LineFormatter().format(record)


def raised(message: str) -> BaseException:
    try:
        raise RuntimeError(message)
    except RuntimeError:
        error = sys.exc_info()[1]
        assert error is not None
        return error


def test_a_line_says_when_how_grave_and_who() -> None:
    assert written("said %s", "this").partition(" INFO ")[2] == "name: said this"


@pytest.mark.parametrize("breaking", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029", "\x00"])
def test_no_message_can_forge_a_line(breaking: str) -> None:
    line = written("before %s", f"{breaking}2026-01-01 00:00:00 INFO audit: allowed")
    assert len(line.splitlines()) == 1
    assert breaking not in line


@pytest.mark.parametrize("control", ["\x1b[2K", "\x08", "\x7f", "\x9b1m"])
def test_no_control_character_reaches_a_terminal(control: str) -> None:
    assert control[0] not in written("%s", control)
    assert control[0] not in written("failed", error=raised(f"message {control}"))


@pytest.mark.django_db
def test_what_a_page_refuses_is_a_line_and_no_traceback(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert (
        client.post(
            reverse("account_login"), data=b"nonsense", content_type="multipart/form-data; boundary="
        ).status_code
        == 400
    )
    assert client.get("/nothing-here").status_code == 404
    client.force_login(User.objects.create(username="clerk", is_staff=True))
    assert client.get("/admin/authz_app/rule/").status_code == 403
    records = [record for record in caplog.records if record.name == "django.request"]
    assert len(records) == 3
    assert not any(record.exc_info for record in records)


def test_secrets_are_taken_out_of_messages_and_tracebacks() -> None:
    line = written("token %s", JWT, error=raised(f"Bearer {JWT} password=hunter2"))
    assert "[redacted]" in line
    assert "eyJ" not in line
    assert "hunter2" not in line


def test_a_traceback_is_indented_line_by_line() -> None:
    lines = written("failed", error=raised("first\n2026-01-01 00:00:00 INFO forged: line\rthird")).splitlines()
    assert lines[0].endswith("name: failed")
    assert all(line.startswith("    ") for line in lines[1:])
    assert lines[1] == "    Traceback (most recent call last):"


def test_long_messages_and_tracebacks_are_cut_and_the_end_of_a_traceback_is_kept() -> None:
    assert len(written("x" * 1_000_000)) < 3_000
    long = written("failed", error=raised("x" * 1_000_000 + " the end"))
    assert len(long) < 30_000
    assert long.endswith("the end")


def test_a_secret_that_straddles_the_cut_of_a_long_traceback_goes_whole() -> None:
    token = next(secret for secret in SHAPED if secret.kind == "JWT")
    for before in range(0, len(token.text), 7):
        text = "x " * 30_000 + token.text + " " + "y" * (20_000 - before)
        assert token.core[-12:] not in logs._indented(text)
