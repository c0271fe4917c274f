"""A person with a browser, by HTTP alone, who signs in at a site and lets applications act for them.

    add_person(site, "dana", first_name="Dana")      -> a user with PASSWORD
    with Person(site.url, "dana") as dana:
        dana.sign_in()
        dana.allow(address)                          -> what the browser was sent to at last: the callback's URL
        dana.deny(address)
    log_in(site.url, "dana")                         -> the whole flow of a public application: its tokens

As a program it is a browser for clients that open one: name it `x-www-browser` on PATH, or set BROWSER.

    PERSON=dana python -m tests.person URL           opens URL, signs in, consents, and follows to the callback
"""

import base64
import hashlib
import os
import re
import secrets
import sys
from dataclasses import dataclass, field
from html import unescape
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2

from tests.databases import add_user

if TYPE_CHECKING:  # A browser need not wait for what a site's tests import.
    from tests.site import Site

PASSWORD = "correct horse battery staple"
CALLBACK = "http://127.0.0.1:7777/callback"
_MOST_REDIRECTS = 10


def add_person(site: "Site", username: str, **fields: Any) -> None:
    """Make a user of the site who can sign in with PASSWORD."""
    add_user(site.database_url, username, PASSWORD, **fields)


class Person:
    """One browser with its cookies."""

    def __init__(self, url: str, username: str, password: str = PASSWORD) -> None:
        self.url = url
        self.username = username
        self.password = password
        self.browser = httpx2.Client(base_url=url, timeout=60)

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.browser.close()

    def sign_in(self) -> httpx2.Response:
        """Sign in by the site's own page."""
        page = self.open("/sign-in/")
        return self.submit(page, login=self.username, password=self.password)

    def open(self, address: str) -> httpx2.Response:
        """The page at last, signing in on the way where that is asked for. Only this site's redirects are followed."""
        page = self._followed(self.browser.get(address))
        if urlsplit(str(page.url)).path.endswith("/sign-in/") and address != "/sign-in/":
            page = self.submit(page, login=self.username, password=self.password)
        return page

    def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        """Send the page's form, which goes to the page's own address."""
        hidden = {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}
        return self._followed(
            self.browser.post(str(page.url), data={**hidden, **fields}, headers={"Referer": str(page.url)})
        )

    def allow(self, address: str) -> str:
        """Consent to what the application asks at ``address``; returns where the browser is sent."""
        return self._answer(address, "allow")

    def deny(self, address: str) -> str:
        return self._answer(address, "deny")

    def _answer(self, address: str, action: str) -> str:
        page = self.open(address)
        assert page.status_code == 200, page.text
        answer = self.submit(page, action=action)
        return answer.headers.get("location", str(answer.url))

    def _followed(self, response: httpx2.Response) -> httpx2.Response:
        for _ in range(_MOST_REDIRECTS):
            location = response.headers.get("location", "")
            if not response.is_redirect or not self._is_here(location):
                return response
            response = self.browser.get(urljoin(str(response.url), location))
        raise AssertionError(f"More than {_MOST_REDIRECTS} redirects from {response.url}")

    def _is_here(self, location: str) -> bool:
        parts = urlsplit(location)
        return not parts.scheme or (parts.scheme, parts.netloc) == urlsplit(self.url)[:2]


# In the order that Django's widgets write them.
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)"')


@dataclass
class Application:
    """A public application that registered itself, and what it remembers between its requests."""

    client_id: str
    redirect_uri: str = CALLBACK
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def question(self, **parameters: str | None) -> dict[str, str]:
        """The parameters of its request to authorize; None leaves one out."""
        usual = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**usual, **parameters}.items() if value is not None}

    def address(self, metadata: dict[str, Any], **parameters: str | None) -> str:
        return f"{metadata['authorization_endpoint']}?{urlencode(self.question(**parameters))}"

    def code(self, callback: str) -> str:
        """The code in the callback's URL, which answers this application's request."""
        answer = parse_qs(urlsplit(callback).query)
        assert answer.get("state") == [self.state], callback
        return answer["code"][0]


def metadata_of(url: str) -> dict[str, Any]:
    """What the site's own authorization server says of itself."""
    found: dict[str, Any] = httpx2.get(f"{url}/.well-known/oauth-authorization-server", timeout=60).json()
    return found


def register(metadata: dict[str, Any], **fields: Any) -> Application:
    """Register a public application dynamically."""
    wanted = {
        "client_name": "Test application",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        **fields,
    }
    answer = httpx2.post(metadata["registration_endpoint"], json=wanted, timeout=60)
    assert answer.status_code == 201, answer.text
    return Application(answer.json()["client_id"], wanted["redirect_uris"][0])


def redeem(metadata: dict[str, Any], application: Application, callback: str, **fields: str) -> httpx2.Response:
    """Exchange the code in the callback's URL for tokens."""
    body = {
        "grant_type": "authorization_code",
        "code": application.code(callback),
        "redirect_uri": application.redirect_uri,
        "client_id": application.client_id,
        "code_verifier": application.verifier,
        **fields,
    }
    return httpx2.post(metadata["token_endpoint"], data=body, timeout=60)


def log_in(url: str, username: str, **parameters: str) -> dict[str, Any]:
    """Everything that a client does to log a person in, and the token endpoint's answer."""
    metadata = metadata_of(url)
    application = register(metadata)
    with Person(url, username) as person:
        callback = person.allow(application.address(metadata, **parameters))
    answer = redeem(metadata, application, callback)
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


def main() -> None:
    """Open the address in the arguments as PERSON (with PERSON_PASSWORD) would, and consent to what it asks."""
    address = sys.argv[-1]
    parts = urlsplit(address)
    with Person(
        f"{parts.scheme}://{parts.netloc}", os.environ["PERSON"], os.environ.get("PERSON_PASSWORD", PASSWORD)
    ) as person:
        callback = person.allow(address)
    httpx2.get(callback, timeout=20, follow_redirects=True)


if __name__ == "__main__":
    main()
