from collections.abc import Iterator

import pytest

from tests.tools_app.mcp_client.peer import Gate, running_peer

_SETTINGS = (
    *("MCP_TOKEN", "AUTH0_DOMAIN", "AUTH_AUDIENCE", "CLIENT_ID", "CLIENT_SECRET"),
    *("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"),
)


@pytest.fixture(scope="session")
def peer_url() -> Iterator[str]:
    with running_peer(Gate) as (url, _):
        yield url


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a test sets counts, whatever the environment of the tests and its `.env` hold."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
