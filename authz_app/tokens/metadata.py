"""Serve the metadata of this site as a protected resource (RFC 9728): where MCP clients learn where to log in."""

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from authz_app.conf import RESOURCE_PATHS, WELL_KNOWN, AuthzConf, conf
from authz_app.core.cors import from_any_origin


@from_any_origin
@require_safe
def protected_resource(request: HttpRequest, resource_path: str) -> HttpResponse:
    """Answer everybody alike, whatever the request's headers say of hosts and proxies; a developer under each name of
    the own machine."""
    return JsonResponse(metadata(conf(), resource_path, request.META.get("HTTP_HOST", "")))


def metadata(configuration: AuthzConf, resource_path: str, host: str = "") -> dict[str, Any]:
    """The metadata (RFC 9728 section 2). A client refuses it unless ``resource`` is the URL that it connects to.

    ``scopes_supported`` are only the login scopes of the settings: which token scopes the rules ask for is not for
    strangers. A caller who may see a tool and lacks scopes for it learns them by calling it.
    """
    scopes = dict.fromkeys(scope for issuer in configuration.trusted_issuers for scope in issuer.login_scopes)
    by_query = configuration.allow_query_token and resource_path == "/sse"
    return {
        "resource": f"{configuration.public_url_at(host)}{resource_path}",
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
