"""Which of the site's paths a request means."""

import pytest

from tools_app.transports.paths import is_below_mcp, local_path

METADATA = "/.well-known/oauth-protected-resource"
WITH_A_SLASH_MORE = [
    ("/mcp/", "/mcp"), ("//mcp", "/mcp"), ("/mcp//", "/mcp"), ("/sse/", "/sse"), ("//sse//", "/sse"),
    ("/messages", "/messages/"), ("/messages//", "/messages/"), (f"{METADATA}/", METADATA),
    (f"{METADATA}/mcp/", f"{METADATA}/mcp"), (f"/{METADATA}//mcp", f"{METADATA}/mcp"),
    ("/mcp/.well-known/openid-configuration/", "/mcp/.well-known/openid-configuration"),
]  # fmt: skip
OF_OTHERS = [
    "",
    "/",
    "//",
    "/admin/",
    "/admin//",
    "/MCP",
    "/mcpx",
    "/mcp/x",
    "/mcp.",
    "/a/mcp",
    "*",
    "/identity/o/api/token",
]


@pytest.mark.parametrize(("path", "meant"), WITH_A_SLASH_MORE)
def test_the_same_with_one_slash_more_is_the_same(path: str, meant: str) -> None:
    assert local_path(path, "") == meant
    assert local_path(meant, "") == meant


@pytest.mark.parametrize("path", OF_OTHERS)
def test_every_other_path_is_what_it_is(path: str) -> None:
    assert local_path(path, "") == path


@pytest.mark.parametrize("prefix", ["/agents", "/a/b", "/mine"])
@pytest.mark.parametrize(("path", "meant"), [*WITH_A_SLASH_MORE, *((path, path) for path in OF_OTHERS if path != "*")])
def test_a_proxy_may_keep_the_path_that_the_site_is_below_or_take_it_away(prefix: str, path: str, meant: str) -> None:
    assert local_path(path, prefix) == meant
    assert local_path(f"{prefix}{path}", prefix) == (meant or "/")


@pytest.mark.parametrize("name", ["oauth-protected-resource", "oauth-authorization-server", "openid-configuration"])
@pytest.mark.parametrize("rest", ["", "/mcp", "/sse"])
def test_metadata_has_the_path_behind_its_name(name: str, rest: str) -> None:
    for path in (f"/.well-known/{name}/a/b{rest}", f"/.well-known/{name}/a/b{rest}/", f"/a/b/.well-known/{name}{rest}"):
        assert local_path(path, "/a/b") == f"/.well-known/{name}{rest}"
    assert local_path(f"/.well-known/{name}/a{rest}", "/a/b") == f"/.well-known/{name}/a{rest}"


def test_the_path_of_the_site_is_whole_segments() -> None:
    assert local_path("/agentsmcp", "/agents") == "/agentsmcp"
    assert local_path("//agents//mcp", "/agents") == "/mcp"
    assert local_path("/agents", "/agents") == "/"
    assert local_path("/agents/agents/mcp", "/agents") == "/agents/mcp"


@pytest.mark.parametrize(
    ("path", "is_below"),
    [("/mcp/x", True), ("/sse/x/y", True), ("/messages/x", True), ("/mcp/.well-known/x", False), ("/mcpx", False)],
)
def test_no_page_is_below_an_mcp_path(path: str, is_below: bool) -> None:
    assert is_below_mcp(path, is_issuer=True) is is_below
    assert is_below_mcp(path, is_issuer=False) is (is_below or "well-known" in path)
