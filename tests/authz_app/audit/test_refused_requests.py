"""Refused requests: a flood of them makes a handful of events, which tell the causes and no secret."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from authz_app.audit import refused_requests
from authz_app.audit.events import Event
from authz_app.audit.refused_requests import RefusedRequests
from authz_app.tokens.errors import (
    BadSignature,
    Expired,
    IssuerUnavailable,
    MissingToken,
    QueryTokenNotAccepted,
    UnknownIssuer,
)

ISSUER = "https://issuer.example/"


@pytest.fixture(autouse=True)
def _later(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is written but by a flush."""
    monkeypatch.setattr(refused_requests, "SOON", 3_600.0)
    yield


def told(events: list[Event]) -> list[tuple[str, int, Any]]:
    return [(one.kind, one.count, json.loads(one.details)) for one in events]


async def test_a_flood_makes_one_event_for_each_cause() -> None:
    written: list[Event] = []
    here = RefusedRequests(written.append, "w")
    for number in range(100_000):
        address = f"10.0.{number >> 8 & 255}.{number & 255}"
        error = UnknownIssuer(f"https://{number}.example/") if number % 2 else BadSignature(ISSUER)
        here.token(error, address)
    here.flush()
    (bad, unknown) = told(written)
    assert [bad[:2], unknown[:2]] == [("tokens_refused", 50_000)] * 2
    assert (bad[2]["cause"], unknown[2]["cause"]) == ("BadSignature", "UnknownIssuer")
    assert "https://1.example/" in unknown[2]["first"]
    assert (len(bad[2]["addresses"]), bad[2]["more_addresses"]) == (20, True)
    assert all(len(one.details) < 2_000 and (one.subject, one.address) == ("", "") for one in written)


async def test_whom_a_token_speaks_of_is_told_only_where_its_signature_was_verified() -> None:
    written: list[Event] = []
    here = RefusedRequests(written.append, "w")
    expired = Expired(1, 2.0)
    expired.proved = (ISSUER, "alice")
    here.token(expired, "::1")
    here.token(BadSignature(ISSUER), "::1")
    here.flush()
    assert [(one.issuer, one.subject, one.address) for one in written] == [(ISSUER, "alice", "::1"), ("", "", "::1")]
    assert told(written)[0][2]["subjects"] == [{"issuer": ISSUER, "subject": "alice"}]
    assert "subjects" not in told(written)[1][2]


async def test_several_subjects_are_listed_and_none_of_them_stands_for_all() -> None:
    written: list[Event] = []
    here = RefusedRequests(written.append, "w")
    for subject in ("alice", "bob", "alice"):
        expired = Expired(1, 2.0)
        expired.proved = (ISSUER, subject)
        here.token(expired, "::1")
    here.flush()
    assert (written[0].subject, written[0].count) == ("", 3)
    assert [one["subject"] for one in told(written)[0][2]["subjects"]] == ["alice", "bob"]


async def test_who_sent_no_token_was_not_refused() -> None:
    written: list[Event] = []
    here = RefusedRequests(written.append, "w")
    here.token(MissingToken(), "::1")
    here.token(QueryTokenNotAccepted(), "::1")
    here.token(IssuerUnavailable(ISSUER, 5), "::1")
    here.request("wrong_host", "The Host header does not name this site.", "::1")
    here.flush()
    assert [one.kind for one in written] == ["tokens_refused", "requests_refused"]


async def test_a_new_cause_is_written_soon_and_one_that_goes_on_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refused_requests, "SOON", 0.0)
    written: asyncio.Queue[Event] = asyncio.Queue()
    here = RefusedRequests(written.put_nowait, "w")
    here.token(BadSignature(ISSUER), "::1")
    async with asyncio.timeout(20):
        assert (await written.get()).count == 1
    for _ in range(5):
        here.token(BadSignature(ISSUER), "::1")
        await asyncio.sleep(0)
    assert written.empty()
    monkeypatch.setattr(refused_requests, "EVERY", 0.0)
    here.flush()
    assert (await written.get()).count == 5
