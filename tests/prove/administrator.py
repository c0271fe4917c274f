"""An administrator at the admin's pages, on any worker: signs in as a browser does, chooses actions, reads pages."""

import re
from typing import Any

import httpx2

from tests.prove.evidence import Broken
from tests.prove.stage import ADMINISTRATOR, Stage
from tests.site import Site

_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Administrator:
    """Signed in with ``sign_in``. The workers share the database, so one sign-in is good for all of them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._cookies = httpx2.Cookies()

    async def sign_in(self) -> "Administrator":
        login = "/admin/login/"
        form = _FORM_TOKEN.search(await self.page(login))
        password = self._stage.plants.only("the administrator's password")
        fields = {"username": ADMINISTRATOR, "password": password, "csrfmiddlewaretoken": form[1] if form else ""}
        await self._post(self._stage.first, login, fields)
        return self

    async def page(self, path: str) -> str:
        """The page at this path of the first worker.

        Raises:
            Broken: there is none.
        """
        url = self._stage.first.url + path
        response = await self._stage.http.get(url, headers=self._cookie_header, follow_redirects=True)
        self._keep(response)
        if response.status_code != 200:
            raise Broken(f"the admin answered {response.status_code} for {path}")
        return response.text

    async def act(self, at: Site, model: str, action: str, row: int) -> None:
        """Choose an action for one row of a list. It has committed when this returns."""
        token = self._cookies.get("csrftoken") or ""
        await self._post(
            at, f"/admin/{model}/", {"action": action, "_selected_action": row, "csrfmiddlewaretoken": token}
        )

    async def _post(self, at: Site, path: str, fields: dict[str, Any]) -> None:
        response = await self._stage.http.post(at.url + path, data=fields, headers=self._cookie_header)
        self._keep(response)
        if response.status_code != 302:
            raise Broken(f"the admin answered {response.status_code} for an action on {path}")

    @property
    def _cookie_header(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}

    def _keep(self, response: httpx2.Response) -> None:
        self._cookies.update(response.cookies)
        self._stage.http.cookies.clear()
