"""MCP sessions: whose they are, how long they last, and where they are kept."""

from dataclasses import replace

import pytest

from authz_app.policy.principal import Principal
from tools_app.sessions.memory import MemorySessionStore
from tools_app.sessions.session import McpSessionState, new_session_id, session_key

OWNER = ("https://issuer.example/", "alice", "app")
# When tokens expire, in a long time.
UNTIL = 4_000_000_000.0


def principal(issuer: str = OWNER[0], subject: str = OWNER[1], oauth_client_id: str = OWNER[2]) -> Principal:
    return Principal(issuer, subject, oauth_client_id, frozenset({"other"}), 1, {"other": 1})


def a_session(key: str = "k", owner: tuple[str, str, str] = OWNER) -> McpSessionState:
    return McpSessionState(key, owner, "worker", UNTIL)


def test_a_session_belongs_to_issuer_subject_and_oauth_client_id() -> None:
    assert a_session().owner == principal().owner


@pytest.mark.parametrize(
    "other",
    [
        principal(issuer="https://issuer.example"),
        principal(subject="Alice"),
        principal(oauth_client_id=""),
        principal(subject="app", oauth_client_id="alice"),
    ],
)
def test_a_session_belongs_to_nobody_else(other: Principal) -> None:
    assert a_session().owner != other.owner


def test_a_session_is_extended_and_never_shortened() -> None:
    session = a_session()
    assert session.extended_to(UNTIL + 100).expires_at == UNTIL + 100
    assert session.extended_to(UNTIL - 50) is session
    assert session.extended_to(UNTIL) is session


def test_session_ids_cannot_be_guessed_and_their_keys_do_not_tell_them() -> None:
    ids = {new_session_id() for _ in range(1_000)}
    assert len(ids) == 1_000
    for session_id in ids:
        assert len(bytes.fromhex(session_id)) == 16
        assert session_id not in session_key(session_id)
    assert len({session_key(session_id) for session_id in ids}) == 1_000


async def test_an_open_session_is_its_owner_s_until_it_is_deleted() -> None:
    store = MemorySessionStore(60)
    assert await store.accept("k", OWNER, 1) is None
    assert await store.open(a_session(), 10)
    await store.update(replace(a_session(), log_level="debug"))
    accepted = await store.accept("k", OWNER, 1)
    assert accepted is not None and (accepted.session.log_level, accepted.refusal) == ("debug", "")
    assert await store.accept("k", (*OWNER[:2], "other app"), 1) is None
    await store.delete("k")
    await store.delete("k")
    assert await store.accept("k", OWNER, 1) is None


async def test_nothing_brings_a_deleted_session_back() -> None:
    store = MemorySessionStore(60)
    await store.open(a_session(), 10)
    await store.delete("k")
    await store.update(a_session())
    await store.extend(a_session(), principal())
    assert await store.renew(["k"]) == {}
    assert await store.listed() == []


async def test_a_session_is_extended_in_the_store_and_stays_so() -> None:
    store = MemorySessionStore(60)
    await store.open(a_session(), 10)
    await store.extend(a_session().extended_to(UNTIL + 100), principal())
    await store.update(replace(a_session(), log_level="debug"))
    assert (await store.renew(["k"]))["k"].expires_at == UNTIL + 100


async def test_a_client_has_so_many_sessions_whatever_the_oauth_client_id() -> None:
    store = MemorySessionStore(60)
    assert await store.open(a_session("a"), 2)
    assert await store.open(a_session("b", (*OWNER[:2], "other app")), 2)
    assert await store.open(a_session("c", (OWNER[0], "bob", "app")), 2)
    assert not await store.open(a_session("d"), 2)
    await store.delete("a")
    assert await store.open(a_session("d"), 2)
    for key in ("b", "d"):
        await store.delete(key)
    assert store._counts == {(OWNER[0], "bob"): 1}


def test_a_session_is_read_as_it_was_stored() -> None:
    session = replace(a_session(), client_info={"name": "x"}, capabilities={}, protocol_version="2025-06-18")
    assert McpSessionState.read("k", session.stored()) == session
