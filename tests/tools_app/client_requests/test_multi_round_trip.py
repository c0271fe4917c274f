"""Questions whose answers come with another request: noted so that nobody can use the note but for what it is."""

from base64 import urlsafe_b64decode
from dataclasses import replace
from typing import Any

import pytest

from authz_app.policy.principal import Principal
from tools_app.client_requests.multi_round_trip import InputRequired, MultiRoundTrip
from tools_app.client_requests.questions import Question
from tools_app.errors import ClientFault, ToolFailure

ALICE = Principal("https://issuer.example/", "alice", "app", frozenset(), 2**33)
CAN = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
PARAMS: dict[str, Any] = {"name": "greet", "arguments": {"to": "the world"}, "_meta": CAN}
SCHEMA = {"type": "object", "properties": {}}
NAME = Question("elicitation/create", {"message": "Name?", "requestedSchema": SCHEMA}, "elicitation")
AGE = Question("elicitation/create", {"message": "Age?", "requestedSchema": SCHEMA}, "elicitation")
ADA = {"action": "accept", "content": {"name": "Ada"}}


def begun(question: Question = NAME, at: float = 1_000.0, **params: Any) -> dict[str, Any]:
    """What a client that answers nothing yet sends after it was asked this."""
    round_trips = MultiRoundTrip("tools/call", {**PARAMS, **params}, ALICE, lambda: at)
    with pytest.raises(InputRequired):
        round_trips.ask(question)
    required = round_trips.required()
    assert required is not None
    assert required.input_requests is not None
    return {**PARAMS, **params, "requestState": required.request_state}


def test_an_answer_is_given_to_the_question_that_was_asked() -> None:
    round_trips = MultiRoundTrip(
        "tools/call", {**begun(), "inputResponses": {"question-1": ADA}}, ALICE, lambda: 1_001.0
    )
    round_trips.resume()
    assert round_trips.ask(NAME) == ADA
    assert round_trips.required() is None


def test_answers_are_carried_on_to_later_rounds() -> None:
    second = MultiRoundTrip("tools/call", {**begun(), "inputResponses": {"question-1": ADA}}, ALICE, lambda: 1_001.0)
    second.resume()
    second.ask(NAME)
    with pytest.raises(InputRequired):
        second.ask(AGE)
    required = second.required()
    assert required is not None
    assert list(required.input_requests or {}) == ["question-2"]
    third = {**PARAMS, "requestState": required.request_state, "inputResponses": {"question-2": {"action": "decline"}}}
    round_trips = MultiRoundTrip("tools/call", third, ALICE, lambda: 1_002.0)
    round_trips.resume()
    assert (round_trips.ask(NAME), round_trips.ask(AGE)) == (ADA, {"action": "decline"})


def test_a_question_is_known_by_its_name_unless_another_one_has_it() -> None:
    round_trips = MultiRoundTrip("tools/call", PARAMS, ALICE)
    for question in (NAME, replace(NAME, name="user_name"), replace(AGE, name="user_name"), AGE):
        with pytest.raises(InputRequired):
            round_trips.ask(question)
    required = round_trips.required()
    assert required is not None
    assert list(required.input_requests or {}) == ["question-1", "user_name", "question-3", "question-4"]


def test_what_was_not_answered_is_asked_again() -> None:
    round_trips = MultiRoundTrip("tools/call", {**begun(), "inputResponses": {"other": ADA}}, ALICE, lambda: 1_001.0)
    round_trips.resume()
    with pytest.raises(InputRequired):
        round_trips.ask(NAME)


def test_answers_to_what_was_not_asked_are_ignored() -> None:
    replies = {"question-1": ADA, "question-2": ADA, "more": 5}
    round_trips = MultiRoundTrip("tools/call", {**begun(), "inputResponses": replies}, ALICE, lambda: 1_001.0)
    round_trips.resume()
    assert round_trips.ask(NAME) == ADA
    with pytest.raises(InputRequired):
        round_trips.ask(AGE)


def test_answers_without_a_note_of_what_was_asked_answer_nothing() -> None:
    round_trips = MultiRoundTrip("tools/call", {**PARAMS, "inputResponses": {"question-1": ADA}}, ALICE)
    round_trips.resume()
    with pytest.raises(InputRequired):
        round_trips.ask(NAME)


def test_an_answer_is_not_given_to_another_question() -> None:
    round_trips = MultiRoundTrip(
        "tools/call", {**begun(), "inputResponses": {"question-1": ADA}}, ALICE, lambda: 1_001.0
    )
    round_trips.resume()
    with pytest.raises(ToolFailure, match="asks something else"):
        round_trips.ask(AGE)


OTHERS = [
    Principal("https://other.example/", "alice", "app", frozenset(), 2**33),
    Principal("https://issuer.example/", "mallory", "app", frozenset(), 2**33),
    Principal("https://issuer.example/", "alice", "other", frozenset(), 2**33),
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_note_is_of_no_use_to_anybody_else(other: Principal) -> None:
    with pytest.raises(ClientFault, match="not what this site gave to you"):
        MultiRoundTrip("tools/call", begun(), other, lambda: 1_001.0).resume()


@pytest.mark.parametrize(
    ("method", "changed"),
    [
        ("tools/call", {"name": "delete_everything"}),
        ("tools/call", {"arguments": {"to": "mallory"}}),
        ("tools/call", {"arguments": {"to": "the world", "more": 1}}),
        ("tools/call", {"arguments": {}}),
        ("prompts/get", {}),
    ],
)
def test_a_note_is_of_no_use_for_another_request(method: str, changed: dict[str, Any]) -> None:
    with pytest.raises(ClientFault, match="not what this site gave to you"):
        MultiRoundTrip(method, {**begun(), **changed}, ALICE, lambda: 1_001.0).resume()


def test_a_note_grows_old() -> None:
    sent = begun(at=1_000.0)
    MultiRoundTrip("tools/call", sent, ALICE, lambda: 1_599.0).resume()
    with pytest.raises(ClientFault, match="too old"):
        MultiRoundTrip("tools/call", sent, ALICE, lambda: 1_600.0).resume()


def flipped(state: str) -> list[str]:
    """The state with one of its bits or characters altered, in many places."""
    letters = [
        state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :] for place in range(len(state))
    ]
    return [*letters[:: max(len(letters) // 50, 1)], state[:-1], state + "A", state[3:], ""]


def test_a_note_cannot_be_altered() -> None:
    sent = begun()
    for state in flipped(sent["requestState"]):
        with pytest.raises(ClientFault):
            MultiRoundTrip("tools/call", {**sent, "requestState": state}, ALICE, lambda: 1_001.0).resume()


@pytest.mark.parametrize("state", [5, {}, [], True, "v1.AAAA", "\ud800", "é", "x" * 100_000])
def test_what_is_no_note_at_all_is_refused(state: Any) -> None:
    with pytest.raises(ClientFault):
        MultiRoundTrip("tools/call", {**PARAMS, "requestState": state}, ALICE).resume()


def test_a_note_of_another_site_is_refused(settings: Any) -> None:
    sent = begun()
    settings.SECRET_KEY = "another-secret-key-that-is-as-long-as-such-a-key-should-be"
    with pytest.raises(ClientFault):
        MultiRoundTrip("tools/call", sent, ALICE, lambda: 1_001.0).resume()


def test_a_note_shows_nothing_of_what_it_says() -> None:
    round_trips = MultiRoundTrip(
        "tools/call", {**begun(), "inputResponses": {"question-1": ADA}}, ALICE, lambda: 1_001.0
    )
    round_trips.resume()
    round_trips.ask(NAME)
    with pytest.raises(InputRequired):
        round_trips.ask(AGE)
    required = round_trips.required()
    assert required is not None
    state = (required.request_state or "").removeprefix("v1.")
    assert b"Ada" not in urlsafe_b64decode(state + "=" * (-len(state) % 4))


@pytest.mark.parametrize("capabilities", [None, {}, {"sampling": {}}, {"elicitation": {"url": {}}}, {"elicitation": 5}])
def test_a_client_is_asked_only_what_it_can_answer(capabilities: Any) -> None:
    meta = {"io.modelcontextprotocol/clientCapabilities": capabilities}
    round_trips = MultiRoundTrip("tools/call", {**PARAMS, "_meta": meta}, ALICE)
    with pytest.raises(ClientFault, match="cannot be asked") as fault:
        round_trips.ask(NAME)
    assert fault.value.code == -32021
    assert round_trips.required() is None


def test_a_client_that_shows_forms_is_asked() -> None:
    meta = {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}, "url": {}}}}
    with pytest.raises(InputRequired):
        MultiRoundTrip("tools/call", {**PARAMS, "_meta": meta}, ALICE).ask(NAME)
