"""Sign a person in on a device without a browser (RFC 8628), by a code that the device shows and the person types."""

from dataclasses import dataclass
from typing import Any

from allauth.idp.oidc import app_settings
from allauth.idp.oidc.adapter import get_adapter
from allauth.idp.oidc.internal.oauthlib import device_codes
from allauth.idp.oidc.internal.oauthlib.utils import extract_params, get_validator_context
from allauth.idp.oidc.models import Client as OAuthApplication
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import UnauthorizedClientError
from oauthlib.oauth2.rfc8628.endpoints import DeviceApplicationServer

from authz_app.conf import conf
from authz_app.embedded_issuer.grant_rules import GrantRules

_LONGEST_CODE = 20


class _DeviceRules(GrantRules):
    """Leaves the scopes open: which are granted is decided when a person confirms."""

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        if OAuthApplication.GrantType.DEVICE_CODE not in request.client.get_grant_types():
            raise UnauthorizedClientError(request=request)
        if request.client.type != OAuthApplication.Type.PUBLIC:
            raise UnauthorizedClientError(description="Only a public application may.", request=request)
        return True


@dataclass(frozen=True, slots=True)
class PendingDevice:
    """A device that waits for a person."""

    device_code: str
    application: OAuthApplication
    requested_scopes: tuple[str, ...]


def begin(request: HttpRequest, resources: list[str]) -> dict[str, Any]:
    """The response to the device: the code to show, and the one to ask with.

    Raises:
        OAuth2Error: the application may not have it.
    """
    page = f"{conf().public_url}/{reverse('device').removeprefix(get_script_prefix())}"
    server = DeviceApplicationServer(
        request_validator=_DeviceRules(),
        verification_uri=page,
        verification_uri_complete=f"{page}?code={{user_code}}",
        interval=app_settings.DEVICE_CODE_INTERVAL,
        user_code_generator=get_adapter().generate_user_code,
    )
    _, data, _ = server.create_device_authorization_response(*extract_params(request))
    # oauthlib's server takes no other lifetime.
    data["expires_in"] = app_settings.DEVICE_CODE_EXPIRES_IN
    get_validator_context().requested_resources = conf().as_named(resources)
    device_codes.create(request.POST["client_id"], data.pop("scope", "").split(), data)
    return dict(data)


def pending_device(user_code: str) -> PendingDevice | None:
    """The device that shows this code, however the person spells it; None where none waits."""
    typed = "".join(character for character in user_code.upper() if character.isascii() and character.isalnum())
    if not 0 < len(typed) <= _LONGEST_CODE:
        return None
    half = len(typed) // 2
    try:
        device_code, application = device_codes.validate_user_code(f"{typed[:half]}-{typed[half:]}")
    except ValidationError:
        return None
    data = cache.get(device_codes.cache_device_code_key(device_code)) or {}
    return PendingDevice(device_code, application, tuple(data.get("scope") or ()))


def answer(device: PendingDevice, user: Any, granted: list[str] | None) -> bool:
    """Let the device in with these scopes, or turn it away with None. False where it waits no more."""
    data = cache.get(device_codes.cache_device_code_key(device.device_code))
    if data is None or data["granted"] is not None:
        return False
    device_codes.update_device_state(device.device_code, {**data, "scope": granted or []})
    return bool(device_codes.confirm_or_deny_device_code(user, device.device_code, confirm=granted is not None))
