"""What the 2026-07-28 era of Streamable HTTP refuses, to the last header."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import copy_sqlite
from tests.databases import execute, rows, rule_for_everybody
from tests.eventually import wait_until
from tests.issuer import Issuer
from tests.raw_modern import MODERN, PREFIX, call, message, post
from tests.site import Site

HIDDEN, UNKNOWN = "regional", "nowhere"


@pytest.fixture(scope="module")
def site(issuer: Issuer, migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Everybody may call `echo` and `regional`, but the latter not with the token scope `elsewhere`."""
    database_url = copy_sqlite(migrated_sqlite, tmp_path_factory.mktemp("site"))
    with Site(database_url, issuer, MAX_BODY_BYTES="100000", CONTACT="ops@example.com") as running:
        rule_for_everybody(database_url, "echo regional greet greet_in_thread")
        rule_for_everybody(database_url, "regional", effect="deny", token_scopes="elsewhere")
        rule_for_everybody(database_url, "welcome", kind="resource", token_scopes="read")
        rule_for_everybody(database_url, "poem", kind="prompt", token_scopes="rhyme")
        yield running
        running.assert_no_traceback()


def told(response: httpx2.Response, tool: str) -> tuple[Any, ...]:
    """A whole response, but for the tool's name, the record's id and the time."""
    headers = [(name, value) for name, value in response.headers.multi_items() if name != "date"]
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "R", response.text.replace(tool, "T" * len(HIDDEN)))
    return response.status_code, text, [pair for pair in headers if pair[0] != "content-length"]


HEADERS: list[dict[str, str]] = [
    {},
    {"Mcp_Param_Region": "eu"},
    {"Mcp_Param_Region": "us"},
    {"Mcp_Param_Region": "=?base64?!?="},
    {"Mcp_Name": "other"},
    {"Mcp_Method": "tools/list"},
    {"MCP_Protocol_Version": "2025-11-25"},
]


@pytest.mark.parametrize("headers", HEADERS, ids=str)
@pytest.mark.parametrize("arguments", [{}, {"region": "eu"}, {"region": 5}, {"other": True}], ids=str)
def test_a_hidden_tool_is_answered_as_an_unknown_one_to_the_last_header(
    site: Site, headers: dict[str, str], arguments: dict[str, Any]
) -> None:
    token = site.headers("elsewhere", scope="elsewhere")
    hidden, unknown = (told(post(site, call(tool, arguments), token, **headers), tool) for tool in (HIDDEN, UNKNOWN))
    assert hidden == unknown
    assert hidden[0] == 400


def reading(uri: str) -> dict[str, Any]:
    return message("resources/read", {"uri": uri})


def using(name: str) -> dict[str, Any]:
    return message("prompts/get", {"name": name, "arguments": {"topic": "x"}})


def completing(ref: dict[str, str]) -> dict[str, Any]:
    return message("completion/complete", {"ref": ref, "argument": {"name": "topic", "value": "t"}})


@pytest.mark.parametrize(
    ("hidden", "unknown"),
    [
        (reading("notes://hidden"), reading("notes://nobody")),
        (reading("notes://taxes/1"), reading("nodes://taxes/1")),
        (using("hidden_prompt"), using("nobody_prompt")),
        (
            completing({"type": "ref/prompt", "name": "hidden_prompt"}),
            completing({"type": "ref/prompt", "name": "nobody_prompt"}),
        ),
        (
            completing({"type": "ref/resource", "uri": "notes://{topic}/{number}"}),
            completing({"type": "ref/resource", "uri": "nodes://{topic}/{number}"}),
        ),
    ],
)
def test_what_else_is_hidden_is_answered_as_what_is_unknown(
    site: Site, hidden: dict[str, Any], unknown: dict[str, Any]
) -> None:
    statuses, texts, headers = zip(
        *(told(post(site, body), "no such thing") for body in (hidden, unknown)), strict=True
    )
    assert statuses == (400, 400)
    assert headers[0] == headers[1]
    assert len({re.sub("hidden|nobody|notes|nodes", "N", text) for text in texts}) == 1


def test_a_header_that_contradicts_an_argument_is_refused_to_those_who_see_the_tool(site: Site) -> None:
    response = post(site, call("regional", {"region": "eu"}), Mcp_Param_Region="us")
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32020)
    response = post(site, call("regional", {"region": "eu"}), Mcp_Param_Region="eu")
    assert response.json()["result"]["content"][0]["text"] == "eu"


def test_a_read_and_a_prompt_that_lack_only_scopes_are_challenged_too(site: Site) -> None:
    for body, scope in ((reading("notes://welcome"), "read"), (using("poem"), "rhyme")):
        response = post(site, body, site.headers("sleepy", scope="other"))
        assert response.status_code == 403
        assert f'error="insufficient_scope", scope="{scope}"' in response.headers["www-authenticate"]
        assert post(site, body, site.headers("sleepy", scope=scope)).status_code == 200


def test_a_blocked_client_is_refused_with_403_whatever_it_asks_for_and_recorded(site: Site) -> None:
    token = site.headers("mallory")
    assert post(site, call("echo", {"text": "x"}), token).status_code == 200
    execute(site.database_url, "UPDATE authz_app_client SET status = 'blocked' WHERE subject = 'mallory'")
    for body in (call("echo", {"text": "x"}), message("tools/list"), message("server/discover"), LISTEN):
        response = post(site, body, token)
        assert response.status_code == 403, body
        assert "www-authenticate" not in response.headers
        assert "Your client is blocked here. Record " in response.text
        assert "ask ops@example.com" in response.text
    query = "SELECT kind, tool, reason FROM authz_app_callrecord WHERE subject = 'mallory' AND decision = 'denied'"
    assert rows(site.database_url, query) == [
        ("tool", "echo", "client_blocked"),
        *[("session", "", "client_blocked")] * 3,
    ]


LISTEN = message("subscriptions/listen", {"notifications": {"toolsListChanged": True}})


def test_an_unsupported_version_is_told_which_ones_are(site: Site) -> None:
    body = message("tools/list", protocolVersion="1999-01-01")
    response = post(site, body, MCP_Protocol_Version="1999-01-01")
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["code"] == -32022
    assert error["data"]["requested"] == "1999-01-01"
    assert {MODERN, "2025-11-25"} <= set(error["data"]["supported"])


@pytest.mark.parametrize(
    ("changed", "headers", "code"),
    [
        ({"protocolVersion": "1999-01-01"}, {}, -32020),
        ({}, {"MCP_Protocol_Version": "1999-01-01"}, -32020),
        ({}, {"MCP_Protocol_Version": "2025-11-25"}, -32020),
        ({"protocolVersion": 5}, {}, -32020),
        ({"clientCapabilities": 5}, {}, -32602),
        ({}, {"Mcp_Method": "tools/call"}, -32020),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(
    site: Site, changed: dict[str, Any], headers: dict[str, str], code: int
) -> None:
    response = post(site, message("tools/list", **changed), **headers)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


def test_a_missing_or_repeated_version_header_is_refused(site: Site) -> None:
    sent = {**site.headers(), "Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    missing = httpx2.post(f"{site.url}/mcp", json=message("tools/list"), headers=sent)
    assert (missing.status_code, missing.json()["error"]["code"], missing.json()["id"]) == (400, -32020, 1)
    twice = [*sent.items(), ("MCP-Protocol-Version", MODERN), ("MCP-Protocol-Version", "2025-11-25")]
    repeated = httpx2.post(f"{site.url}/mcp", json=message("tools/list"), headers=twice)
    assert (repeated.status_code, repeated.json()["error"]["code"]) == (400, -32020)


def test_an_unknown_method_is_404_and_a_notification_is_taken(site: Site) -> None:
    response = post(site, message("no/such/method"))
    assert (response.status_code, response.json()["error"]["code"]) == (404, -32601)
    notification = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert post(site, notification).status_code == 202


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_other_methods_than_post_are_not_allowed(site: Site, method: str) -> None:
    headers = site.headers() | {"MCP-Protocol-Version": MODERN}
    response = httpx2.request(method, f"{site.url}/mcp", headers=headers)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_lists_say_that_they_are_private_and_when_they_grow_stale(site: Site) -> None:
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list", "server/discover"):
        response = post(site, message(method))
        assert response.headers["cache-control"] == "no-store"
        result = response.json()["result"]
        assert (result["ttlMs"], result["cacheScope"]) == (0, "private")


def test_discovery_names_the_versions_and_what_changes_are_told_of(site: Site) -> None:
    result = post(site, message("server/discover")).json()["result"]
    assert result["supportedVersions"][:2] == [MODERN, "2025-11-25"]
    assert "alice" in result["instructions"]
    assert PREFIX + "serverInfo" in result["_meta"]


def test_an_answer_to_nothing_is_refused(site: Site) -> None:
    response = post(site, {"jsonrpc": "2.0", "id": 1, "result": {}})
    assert (response.status_code, response.json()["error"]["code"]) == (400, -32600)


CAN_BE_ASKED = {"clientCapabilities": {"elicitation": {}}}


def test_a_note_of_what_was_asked_is_taken_for_the_same_call_alone_and_each_try_is_recorded(site: Site) -> None:
    asked = post(site, call("greet", **CAN_BE_ASKED), site.headers("ada")).json()["result"]
    assert asked["resultType"] == "input_required"
    assert asked["inputRequests"]["question-1"]["params"]["message"] == "What is your name?"
    reply = {"action": "accept", "content": {"name": "Ada"}}
    again = {"requestState": asked["requestState"], "inputResponses": {"question-1": reply}}
    refused = [
        post(site, resumed("greet", again), site.headers("mallory-2")),
        post(site, resumed("greet", again), site.headers("ada", azp="another application")),
        post(site, resumed("greet_in_thread", again), site.headers("ada")),
        post(site, resumed("greet", {**again, "requestState": asked["requestState"][:-1]}), site.headers("ada")),
        post(site, resumed("greet", {**again, "requestState": "nonsense"}), site.headers("ada")),
    ]
    for response in refused:
        assert (response.status_code, response.json()["error"]["code"]) == (400, -32602)
        assert "The requestState is not what this site gave to you" in response.json()["error"]["message"]
        assert response.json()["error"]["data"]["record"] in response.json()["error"]["message"]
    done = post(site, resumed("greet", again), site.headers("ada")).json()["result"]
    assert done["content"][0]["text"] == "Hello Ada!"
    query = "SELECT tool, outcome FROM authz_app_callrecord WHERE subject = 'ada' ORDER BY id"
    wait_for_rows(
        site,
        query,
        [
            ("greet", "input_required"),
            ("greet", "tool_error"),
            ("greet_in_thread", "tool_error"),
            ("greet", "tool_error"),
            ("greet", "tool_error"),
            ("greet", "ok"),
        ],
    )


def test_a_resumed_call_is_decided_anew(site: Site) -> None:
    asked = post(site, call("greet", **CAN_BE_ASKED), site.headers("bob")).json()["result"]
    execute(site.database_url, "UPDATE authz_app_client SET status = 'blocked' WHERE subject = 'bob'")
    reply = {"action": "accept", "content": {"name": "Bob"}}
    again = {"requestState": asked["requestState"], "inputResponses": {"question-1": reply}}
    assert post(site, resumed("greet", again), site.headers("bob")).status_code == 403


def resumed(tool: str, carried: dict[str, Any]) -> dict[str, Any]:
    return message("tools/call", {"name": tool, "arguments": {}, **carried}, 2, **CAN_BE_ASKED)


def wait_for_rows(site: Site, query: str, expected: list[tuple[Any, ...]]) -> None:
    wait_until(lambda: rows(site.database_url, query), equals=expected)
