"""What fails over and over is said once."""

import logging

import pytest

from authz_app.core.failure_log import FailureLog

NAME = "tests.failure_log"


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == NAME]


def test_its_beginning_and_its_end_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    failure_log = FailureLog(logging.getLogger(NAME), "It works again.", lambda: 0.0)
    failure_log.worked()
    for number in range(100):
        failure_log.failed("It fails: %s", number)
    for _ in range(100):
        failure_log.worked()
    assert said(caplog) == ["It fails: 0", "It works again."]


def test_what_comes_and_goes_is_said_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    failure_log = FailureLog(logging.getLogger(NAME), "It works again.", lambda: now[0])
    for second in range(61):
        now[0] = float(second)
        failure_log.failed("It fails: %s", second)
        failure_log.worked()
    assert said(caplog) == ["It fails: 0", "It works again.", "It fails: 60", "It works again."]


def test_what_began_unsaid_and_goes_on_is_said(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    failure_log = FailureLog(logging.getLogger(NAME), "It works again.", lambda: now[0])
    failure_log.failed("once")
    failure_log.worked()
    for second in (1.0, 30.0, 60.0, 3_600.0):
        now[0] = second
        failure_log.failed("again, at %s", second)
    assert said(caplog) == ["once", "It works again.", "again, at 60.0"]
