"""What is there to be pasted."""

import json
import shlex

import pytest

from tools_app.pages.recipes import Step, recipes, server_name

ADDRESSES = ["https://mcp.example.com", "http://127.0.0.1:8000", "http://intranet:8000"]


def steps(url: str) -> list[tuple[str, Step]]:
    return [(recipe.name, step) for recipe in recipes(url) for step in (*recipe.by_browser, *recipe.by_token)]


@pytest.mark.parametrize("url", ADDRESSES)
def test_everything_names_this_site_and_no_other(url: str) -> None:
    for _, step in steps(url):
        for word in step.paste.split():
            if "://" in word:
                assert url in word


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_looks_like_json_is(url: str) -> None:
    found = [json.loads(step.paste) for _, step in steps(url) if step.paste.startswith("{")]
    assert len(found) >= 6


@pytest.mark.parametrize("url", ADDRESSES)
def test_commands_are_words_of_a_shell(url: str) -> None:
    found = [step.paste for _, step in steps(url) if step.paste.startswith(("npx", "claude"))]
    assert len(found) >= 8
    for command in found:
        assert any(word.startswith(url) for word in shlex.split(command)) or command.endswith("inspector")


def test_python_compiles() -> None:
    found = [step.paste for _, step in steps(ADDRESSES[0]) if step.paste.startswith("import asyncio")]
    assert len(found) == 2
    for program in found:
        compile(program, "pasted", "exec")


def test_every_client_is_told_of_signing_in_and_of_tokens() -> None:
    assert all(recipe.by_browser and recipe.by_token for recipe in recipes(ADDRESSES[0]))


def test_mcp_remote_is_told_when_there_is_no_tls_to_another_machine() -> None:
    assert "--allow-http" in str(steps("http://intranet:8000"))
    assert "--allow-http" not in str(steps("http://127.0.0.1:8000"))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://mcp.example.com", "mcp-example-com"),
        ("https://example.com/Agents/", "example-com-agents"),
        ("http://127.0.0.1:8000", "local-tools"),
        ("http://[::1]:8000", "local-tools"),
        ("http://localhost:8000", "local-tools"),
    ],
)
def test_a_server_s_name_is_plain(url: str, name: str) -> None:
    assert server_name(url) == name
