"""An OAuth application that an administrator disables gets nothing, until it is enabled again."""

from allauth.idp.oidc.models import Client as OAuthApplication, Token

from authz_app.embedded_issuer.disabling import disable, enable, is_enabled


def test_a_disabled_application_has_no_grant_and_no_refresh_token(service: tuple[OAuthApplication, str]) -> None:
    application, _ = service
    Token.objects.create(type=Token.Type.REFRESH_TOKEN, hash="r", client=application)
    disable(application)
    application.refresh_from_db()
    assert not is_enabled(application)
    assert not Token.objects.exists()


def test_an_enabled_application_has_the_grants_that_it_had_before(service: tuple[OAuthApplication, str]) -> None:
    application, _ = service
    grants = application.get_grant_types()
    disable(application)
    enable(application)
    application.refresh_from_db()
    assert is_enabled(application)
    assert application.get_grant_types() == grants
