"""An embedded issuer whose access tokens end after ``VALID`` seconds, though it announces an hour.

So a 401 alone tells its clients, as it does after a pause.
"""

from typing import Any

from authz_app.conf import conf
from authz_app.embedded_issuer.adapter import EmbeddedIssuerAdapter

VALID = 6
ADAPTER = "tests.short_tokens.ShortTokenAdapter"


class ShortTokenAdapter(EmbeddedIssuerAdapter):
    """Site settings name it as IDP_OIDC_ADAPTER."""

    def populate_access_token(self, access_token: dict[str, Any], **kwargs: Any) -> None:
        super().populate_access_token(access_token, **kwargs)
        access_token["exp"] = access_token["iat"] + VALID - conf().token_leeway
