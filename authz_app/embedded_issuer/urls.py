"""Map the URLs of the embedded issuer and of sign-in. Included only while the issuer is on."""

from allauth.account import views as account
from django.urls import include, path

from authz_app.embedded_issuer import consent, views
from authz_app.web.page import site_page

# RFC 8414 section 3 for OAuth clients, and OpenID Connect's place for the same. Some clients ask with the path of the
# resource behind it, or before it.
_METADATA = [
    path(address, views.metadata)
    for name in ("oauth-authorization-server", "openid-configuration")
    for address in (
        f".well-known/{name}",
        *(f".well-known/{name}/{resource}" for resource in ("sse", "mcp")),
        *(f"{resource}/.well-known/{name}" for resource in ("sse", "mcp")),
    )
]

urlpatterns = [
    *_METADATA,
    path(".well-known/jwks.json", views.jwks),
    path("identity/o/authorize", consent.ConsentView.as_view()),
    path("identity/o/device", consent.DeviceView.as_view()),
    path("identity/o/api/token", views.token),
    path("identity/o/api/revoke", views.revoke),
    path("identity/o/api/clients", views.registration),
    path("identity/o/api/device/code", views.device_code),
    path("identity/<path:rest>", views.not_served),
    path("device", consent.DeviceView.as_view(), name="device"),
    path("device/", consent.DeviceView.as_view()),
    path("sign-in/", site_page(account.login), name="account_login"),
    path("sign-out/", site_page(account.logout), name="account_logout"),
    path("sign-in/inactive/", site_page(account.account_inactive), name="account_inactive"),
    path("", include("allauth.idp.urls")),
]
