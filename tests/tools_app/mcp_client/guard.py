"""An authorization server in front of the peer, which lets in who has logged in there (OAuth 2.1, RFC 7591, RFC 9728).

It asks nobody: whoever visits it has consented, or is refused where ``refuses`` says so. It checks the client's part as
a real one does: the redirect URI, the code verifier, the secret.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

METADATA = "/.well-known/oauth-protected-resource"


@dataclass
class Guard:
    """``asked`` notes what was asked of the authorization server, in order."""

    app: ASGIApp
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    applications: dict[str, dict[str, Any]] = field(default_factory=dict)
    scopes: dict[str, str] = field(default_factory=dict)  # of each token that is good
    registers: bool = True
    refuses: bool = False
    needed_to_call: str = ""

    def __post_init__(self) -> None:
        self._codes: dict[str, dict[str, str]] = {}
        self._refreshes: dict[str, str] = {}
        self._oauth = Starlette(
            routes=[
                Route(METADATA + "/mcp", self.resource),
                Route(METADATA + "/sse", self.resource),
                Route("/.well-known/oauth-authorization-server", self.metadata),
                Route("/register", self.register, methods=["POST"]),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif path in {route.path for route in self._oauth.routes if isinstance(route, Route)}:
            await self._oauth(scope, receive, send)
        else:
            await (self._refusal(Request(scope)) or self.app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        known_as = "/mcp" if request.url.path == "/mcp" else "/sse"
        where = f'resource_metadata="{request.base_url}{METADATA[1:]}{known_as}"'
        held = self.scopes.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if held is None:
            return JSONResponse({"error": "unauthorized"}, 401, {"WWW-Authenticate": f"Bearer {where}"})
        lacking = self.needed_to_call and self.needed_to_call not in held.split()
        if lacking and request.headers.get("mcp-method") == "tools/call":
            challenge = f'Bearer error="insufficient_scope", scope="{self.needed_to_call}", {where}'
            return JSONResponse({"error": "insufficient_scope"}, 403, {"WWW-Authenticate": challenge})
        return None

    def of(self, endpoint: str) -> list[dict[str, str]]:
        """What this endpoint was asked, in order."""
        return [parameters for asked, parameters in self.asked if asked == endpoint]

    async def resource(self, request: Request) -> Response:
        path = request.url.path.removeprefix(METADATA)
        site = str(request.base_url).rstrip("/")
        return JSONResponse({"resource": f"{site}{path}", "authorization_servers": [site]})

    async def metadata(self, request: Request) -> Response:
        site = str(request.base_url).rstrip("/")
        endpoints = {"authorization_endpoint": f"{site}/authorize", "token_endpoint": f"{site}/token"}
        if self.registers:
            endpoints["registration_endpoint"] = f"{site}/register"
        supported = {"response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"]}
        return JSONResponse({"issuer": site, **endpoints, **supported})

    async def register(self, request: Request) -> Response:
        if not self.registers:
            return JSONResponse({"error": "not_found"}, 404)
        application = {**await request.json(), "client_id": secrets.token_hex(8)}
        self.applications[application["client_id"]] = application
        self.asked.append(("register", {"client_name": application["client_name"]}))
        return JSONResponse(application, 201)

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(("authorize", asked))
        assert asked["redirect_uri"] in self.applications[asked["client_id"]]["redirect_uris"]
        assert asked["code_challenge_method"] == "S256"
        answer = {"error": "access_denied", "error_description": "Not today."}
        if not self.refuses:
            answer = {"code": secrets.token_hex(8)}
            self._codes[answer["code"]] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({**answer, 'state': asked['state']})}", 302)

    async def token(self, request: Request) -> Response:
        asked = {name: str(value) for name, value in (await request.form()).items()}
        self.asked.append((asked["grant_type"], asked))
        if asked.get("client_secret") != self.applications[asked["client_id"]].get("client_secret"):
            return JSONResponse({"error": "invalid_client"}, 401)
        if asked["grant_type"] == "refresh_token":
            scope = self._refreshes.pop(asked["refresh_token"], None)
        else:
            visit = self._codes.pop(asked["code"], None)
            digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
            verified = visit and visit["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
            scope = visit.get("scope", "") if visit and verified else None
        if scope is None:
            return JSONResponse({"error": "invalid_grant"}, 400)
        issued = {"access_token": f"secret-{secrets.token_hex(8)}", "refresh_token": f"secret-{secrets.token_hex(8)}"}
        self.scopes[issued["access_token"]] = self._refreshes[issued["refresh_token"]] = scope
        return JSONResponse({**issued, "token_type": "Bearer", "expires_in": 3600, "scope": scope})
