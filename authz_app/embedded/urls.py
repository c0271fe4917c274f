"""Where the embedded issuer answers. Included only while it is on."""

from allauth.idp.oidc.views import configuration
from django.urls import include, path

from authz_app.embedded import views

urlpatterns = [
    # RFC 8414 section 3 for OAuth clients; OpenID Connect's place for the same is among allauth's URLs.
    path(".well-known/oauth-authorization-server", configuration),
    path(".well-known/jwks.json", views.jwks),
    path("identity/o/api/token", views.token),
    path("identity/<path:rest>", views.not_served),
    path("", include("allauth.idp.urls")),
]
