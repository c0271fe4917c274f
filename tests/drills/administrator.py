"""An administrator with a browser, who has signed in, and looks at pages while the database is broken."""

import re
from types import TracebackType

import httpx2

from tests.site import Site

_NAME, _PASSWORD = "root", "a-password-of-the-tests"
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
_METADATA = "/.well-known/oauth-protected-resource/mcp"
_RULE = {"effect": "deny", "applies_to": "every", "kind": "tool", "tools": "nothing", "token_scopes": "", "note": ""}
# In one process, because each takes seconds to start.
_CREATE = f"""
from authz_app.models import User
User.objects.create_superuser("{_NAME}", "root@example.com", "{_PASSWORD}")
"""


class Administrator:
    """Use as a context manager, which signs in."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._http = httpx2.AsyncClient(timeout=60, base_url=site.url)

    @staticmethod
    def create(database_url: str) -> None:
        created = Site(database_url, LOCAL_ISSUER="true").manage("shell", "--command", _CREATE)
        assert created.returncode == 0, created.stderr

    async def __aenter__(self) -> "Administrator":
        form = _FORM_TOKEN.search((await self._http.get("/admin/login/")).text)
        fields = {"username": _NAME, "password": _PASSWORD, "csrfmiddlewaretoken": form[1] if form else ""}
        assert (await self._http.post("/admin/login/", data=fields)).status_code == 302
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def sees(self, path: str) -> int:
        """The status of a page; one that cannot be shown must say so in words."""
        return _judged(await self._http.get(path))

    async def is_let_in_without(self) -> int:
        """The status of pages that need no database, to somebody who is not signed in: the worst of them."""
        async with httpx2.AsyncClient(timeout=60, base_url=self._site.url) as http:
            return max([(await http.get(path)).status_code for path in ("/", "/admin/login/", _METADATA)])

    async def adds_a_rule(self) -> int:
        """Send a form that changes something."""
        fields = {**_RULE, "csrfmiddlewaretoken": self._http.cookies["csrftoken"]}
        return _judged(await self._http.post("/admin/authz_app/rule/add/", data=fields))


def _judged(response: httpx2.Response) -> int:
    if response.status_code == 503:
        assert response.headers["retry-after"]
        assert "database cannot be used" in response.text
    assert "Traceback" not in response.text
    return response.status_code
