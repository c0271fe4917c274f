"""Refused requests: a flood of them makes few lines and few events, which tell the causes and no secret."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from authz_app.audit import refused_requests
from authz_app.audit.events import Event
from authz_app.audit.refused_requests import LOG_EVERY, RefusedRequests
from authz_app.tokens.errors import (
    BadSignature,
    Expired,
    IssuerUnavailable,
    MissingToken,
    OpaqueToken,
    QueryTokenNotAccepted,
    SenderConstrained,
    UnknownIssuer,
)

ISSUER = "https://issuer.example/"


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is written but by a flush."""
    monkeypatch.setattr(refused_requests, "SOON", 3_600.0)
    yield


def parts_of(events: list[Event]) -> list[tuple[str, int, Any]]:
    return [(one.kind, one.count, json.loads(one.details)) for one in events]


async def test_a_flood_makes_one_event_for_each_cause() -> None:
    written: list[Event] = []
    refusals = RefusedRequests(written.append, "w")
    for number in range(100_000):
        address = f"10.0.{number >> 8 & 255}.{number & 255}"
        error = UnknownIssuer(f"https://{number}.example/") if number % 2 else BadSignature(ISSUER)
        refusals.token(error, address)
    refusals.flush()
    (bad, unknown) = parts_of(written)
    assert [bad[:2], unknown[:2]] == [("tokens_refused", 50_000)] * 2
    assert (bad[2]["cause"], unknown[2]["cause"]) == ("BadSignature", "UnknownIssuer")
    assert "https://1.example/" in unknown[2]["first"]
    assert (len(bad[2]["addresses"]), bad[2]["more_addresses"]) == (20, True)
    assert all(len(one.details) < 2_000 and (one.subject, one.address) == ("", "") for one in written)


async def test_whom_a_token_speaks_of_is_told_only_where_its_signature_was_verified() -> None:
    written: list[Event] = []
    refusals = RefusedRequests(written.append, "w")
    expired = Expired(1, 2.0)
    expired.proved = (ISSUER, "alice")
    refusals.token(expired, "::1")
    refusals.token(BadSignature(ISSUER), "::1")
    refusals.flush()
    assert [(one.issuer, one.subject, one.address) for one in written] == [(ISSUER, "alice", "::1"), ("", "", "::1")]
    assert parts_of(written)[0][2]["subjects"] == [{"issuer": ISSUER, "subject": "alice"}]
    assert "subjects" not in parts_of(written)[1][2]


async def test_several_subjects_are_listed_and_none_of_them_stands_for_all() -> None:
    written: list[Event] = []
    refusals = RefusedRequests(written.append, "w")
    for subject in ("alice", "bob", "alice"):
        expired = Expired(1, 2.0)
        expired.proved = (ISSUER, subject)
        refusals.token(expired, "::1")
    refusals.flush()
    assert (written[0].subject, written[0].count) == ("", 3)
    assert [one["subject"] for one in parts_of(written)[0][2]["subjects"]] == ["alice", "bob"]


async def test_who_sent_no_token_was_not_refused() -> None:
    written: list[Event] = []
    refusals = RefusedRequests(written.append, "w")
    refusals.token(MissingToken(), "::1")
    refusals.token(QueryTokenNotAccepted(), "::1")
    refusals.token(IssuerUnavailable(ISSUER, 5), "::1")
    refusals.request("wrong_host", "The Host header does not name this site.", "::1")
    refusals.flush()
    assert [one.kind for one in written] == ["tokens_refused", "requests_refused"]


async def test_a_new_cause_is_written_soon_and_one_that_goes_on_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refused_requests, "SOON", 0.0)
    written: asyncio.Queue[Event] = asyncio.Queue()
    refusals = RefusedRequests(written.put_nowait, "w")
    refusals.token(BadSignature(ISSUER), "::1")
    async with asyncio.timeout(60):
        assert (await written.get()).count == 1
    for _ in range(5):
        refusals.token(BadSignature(ISSUER), "::1")
        await asyncio.sleep(0)
    assert written.empty()
    monkeypatch.setattr(refused_requests, "EVERY", 0.0)
    refusals.flush()
    assert (await written.get()).count == 5


async def test_a_flood_is_one_line_of_the_log_for_each_cause_and_interval(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    refusals = RefusedRequests(lambda event: None, "w", lambda: now[0])
    with caplog.at_level(logging.INFO):
        for _ in range(1_000):
            refusals.token(OpaqueToken(1), "::1")
            refusals.token(SenderConstrained(), "::1")
            refusals.token(MissingToken(), "::1")
        assert len(caplog.records) == 2
        now[0] += LOG_EVERY
        refusals.token(OpaqueToken(1), "::1")
    assert len(caplog.records) == 3
    assert "999 more" in caplog.messages[-1]
