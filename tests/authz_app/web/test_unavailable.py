"""What pages say while the database cannot be used."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import (
    OperationalError,
    ProgrammingError,
    connection,
)
from django.test import Client as Browser
from pytest_django import Settings

from authz_app.core.failure_log import FailureLog
from authz_app.pages.records.export import _streamed
from authz_app.web import unavailable

pytestmark = pytest.mark.django_db

_ASKED = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


@contextmanager
def refused(which: str = "") -> Iterator[None]:
    """The database does nothing of what has this in its statement."""

    def execute(run: Execute, sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        if which in sql:
            raise OperationalError("the disk is full\nDETAIL: of no interest")
        return run(sql, parameters, many, context)

    with connection.execute_wrapper(execute):
        yield


@pytest.fixture(autouse=True)
def fresh_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test finds a site about which nothing has been said."""
    monkeypatch.setattr(unavailable, "failure_log", FailureLog(unavailable.failure_log._logger, "It works again."))


def assert_says_so(response: Any) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "database cannot be used" in response.content.decode()


@pytest.mark.parametrize("path", ["/admin/", "/admin/authz_app/rule/", "/admin/explain/", "/me/", "/"])
def test_pages_of_somebody_who_is_signed_in_say_so(
    admin_client: Browser, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with refused():
        assert_says_so(admin_client.get(path))
        assert_says_so(admin_client.get(path))
    told = [(record.levelname, record.getMessage(), record.exc_info) for record in caplog.records]
    assert told == [("ERROR", "Pages that need the database cannot be shown: the disk is full", None)]


def test_pages_that_need_no_database_are_shown(client: Browser) -> None:
    with refused():
        assert client.get("/").status_code == 200
        assert client.get("/admin/login/").status_code == 200
        assert client.get("/.well-known/oauth-protected-resource/mcp").status_code == 200


def test_a_page_that_only_part_of_the_database_fails_says_so(admin_client: Browser) -> None:
    with refused("authz_app_callrecord"):
        assert_says_so(admin_client.get("/admin/authz_app/callrecord/"))
        assert admin_client.get("/admin/authz_app/rule/").status_code == 200


def test_a_session_that_cannot_be_kept_says_so(admin_client: Browser, settings: Settings) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    with refused('UPDATE "django_session"'):
        assert_says_so(admin_client.get("/admin/"))


def test_a_developer_sees_no_traceback_either(admin_client: Browser, settings: Settings) -> None:
    settings.DEBUG = True
    with refused("authz_app_rule"):
        assert_says_so(admin_client.get("/admin/authz_app/rule/"))


def test_programs_are_told_in_json(client: Browser) -> None:
    with refused():
        response = client.post("/identity/o/api/token", _ASKED)
    assert (response.status_code, response.json().get("error")) == (503, "temporarily_unavailable"), response.content
    assert response["Retry-After"]


def test_a_fault_of_the_question_is_none_of_the_database(admin_client: Browser) -> None:
    def execute(run: Execute, sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
        if "authz_app_rule" in sql:
            raise ProgrammingError("no such column")
        return run(sql, parameters, many, context)

    admin_client.raise_request_exception = False
    with connection.execute_wrapper(execute):
        assert admin_client.get("/admin/authz_app/rule/").status_code == 500


async def test_an_export_that_breaks_off_is_cut_and_does_not_end() -> None:
    def lines() -> Iterator[bytes]:
        yield from [b"line\n"] * 500
        raise OperationalError("gone")

    came: list[bytes] = []
    with pytest.raises(asyncio.CancelledError):
        async for part in _streamed(lines()):
            came.append(part)
    assert b"".join(came) == b"line\n" * 400
