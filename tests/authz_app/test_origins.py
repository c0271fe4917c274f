"""Which browser origins a setting may name."""

import pytest

from authz_app.origins import parse_origins


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://app.example.com", "https://app.example.com"), (" https://App.Example.com/ ", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"), ("http://intranet:80", "http://intranet"),
        ("https://app.example.com:8443", "https://app.example.com:8443"), ("http://[::1]:6274", "http://[::1]:6274"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("moz-extension://0f5d2c1a-1b2c-4d3e-8f90-a1b2c3d4e5f6", "moz-extension://0f5d2c1a-1b2c-4d3e-8f90-a1b2c3d4e5f6"),
        ("vscode-webview://1a2b3c", "vscode-webview://1a2b3c"),
    ],
)  # fmt: skip
def test_an_origin_is_read_as_browsers_send_it(text: str, origin: str) -> None:
    assert parse_origins([text]) == {origin}


def test_blanks_between_commas_are_no_origins() -> None:
    assert parse_origins(["", " ", "https://a.example"]) == {"https://a.example"}


@pytest.mark.parametrize("text", ["null", "NULL", "*", "https://*", "https://*.example.com", "file://", "data:x"])
def test_what_could_be_any_page_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="ALLOWED_ORIGINS"):
        parse_origins([text])


@pytest.mark.parametrize(
    "text",
    ["app.example.com", "https://", "https://a.example/path", "https://a.example?x", "https://u@a.example", "https:/a"]
    + [
        "https://a.example:port",
        "https://a.example:99999",
        "https://a.example:0",
        "https://a b",
        "https://bücher.example",
    ]
    + ["https://a.example https://b.example", "https://a.example;https://b.example", "://a", "https://a..b"],
)
def test_what_is_no_origin_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        parse_origins([text])
