"""The pages of people outside the admin, for pictures: what strangers see, and what a person sees who signed in."""

from urllib.parse import urlencode

import httpx2
from playwright.sync_api import Page

# Client IDs of two OAuth applications.
SELF_REGISTERED, CONFIDENTIAL = "6f1d2c3b4a59", "orders-desk"

STRANGER = {
    "start": ("/",),
    "connect": ("/connect/",),
    "sign-in": ("/sign-in/",),
    "not-found": ("/no/such/page",),
}
_REFUSED = "a.bad >> nth={}"
SIGNED_IN: dict[str, tuple[str, ...]] = {
    "me": ("/me/",),
    "start-signed-in": ("/",),
    "own-refusal": ("/me/", _REFUSED.format(0)),
    "own-refusal-scope": ("/me/", _REFUSED.format(1)),
    "own-refusal-hostile": ("/me/", _REFUSED.format(2)),
    "no-record-of-yours": ("/r/01a20716-dca2-7d0f-b275-6926603aa2c7",),
    "device": ("/device",),
    "device-wrong": ("/device?code=AAAA-AAAA",),
    "sign-out": ("/sign-out/",),
}


def person_pages(url: str) -> dict[str, tuple[str, ...]]:
    """With those that an application has to ask for first."""
    here = _asks(SELF_REGISTERED, "http://localhost:52301/callback", scope="openid weather:read admin")
    code = _device_code(url)
    return {
        **SIGNED_IN,
        "consent": (here,),
        "consent-elsewhere": (_asks(SELF_REGISTERED, "https://app.example/callback"),),
        "consent-registered": (_asks(CONFIDENTIAL, "https://desk.example.com/back", scope="orders:read"),),
        "consent-refused": (_asks(SELF_REGISTERED, "https://evil.example/"),),
        "consent-wrong": (
            _asks(SELF_REGISTERED, "https://app.example/callback", resource="https://elsewhere.example"),
        ),
        "device-consent": (f"/device?code={code}",),
        "device-done": (f"/device?code={code}", "button.main"),
    }


def _asks(client_id: str, redirect_uri: str, **parameters: str) -> str:
    question = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        **parameters,
    }
    return f"/identity/o/authorize?{urlencode(question)}"


def _device_code(url: str) -> str:
    answer = httpx2.post(f"{url}/identity/o/api/device/code", data={"client_id": SELF_REGISTERED})
    return str(answer.raise_for_status().json()["user_code"])


def sign_in_as_person(page: Page, user: str, password: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/me/")
