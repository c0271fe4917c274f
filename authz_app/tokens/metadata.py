"""Where MCP clients learn at whom to log in: the metadata of this site as a protected resource (RFC 9728)."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from authz_app.conf import RESOURCE_PATHS, WELL_KNOWN, AuthzConf, conf
from authz_app.core.cors import from_any_origin


@from_any_origin("GET")
@require_safe
def protected_resource(request: HttpRequest, resource_path: str) -> HttpResponse:
    """The same for everybody, whatever the request says of hosts and proxies."""
    return JsonResponse(metadata(conf(), resource_path))


def metadata(configuration: AuthzConf, resource_path: str) -> dict[str, Any]:
    """RFC 9728 section 2. ``resource`` is the URL that the client connects to, or it would refuse all of this.

    ``scopes_supported`` are only those that the settings want to be asked for: which token scopes open something here
    stands in the rules, and is not for strangers. Who may see a tool and lacks scopes for it is told of them when it
    is called.
    """
    scopes = dict.fromkeys(scope for issuer in configuration.trusted_issuers for scope in issuer.login_scopes)
    by_query = configuration.allow_query_token and resource_path == "/sse"
    return {
        "resource": f"{configuration.public_url}{resource_path}",
        "resource_name": f"MCP server at {urlsplit(configuration.public_url).netloc}",
        "resource_documentation": f"{configuration.public_url}/",
        "authorization_servers": [issuer.issuer for issuer in configuration.trusted_issuers],
        "bearer_methods_supported": ["header", "query"] if by_query else ["header"],
        **({"scopes_supported": list(scopes)} if scopes else {}),
    }


urlpatterns: list[URLPattern] = [
    path(f"{WELL_KNOWN}{resource_path}".removeprefix("/"), protected_resource, {"resource_path": resource_path})
    for resource_path in RESOURCE_PATHS
]
