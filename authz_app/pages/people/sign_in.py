"""Limits attempts to sign in to the admin: they count together with those on the site's other sign-in page."""

from typing import Any

from allauth.core.internal import ratelimit
from django.core.exceptions import ValidationError
from redis.exceptions import RedisError
from unfold.forms import AuthenticationForm


class LimitedSignIn(AuthenticationForm):
    """Counts failed attempts by address and by user name."""

    def clean(self) -> dict[str, Any]:
        usage = self._counted()
        if usage is None:
            raise ValidationError("Too many failed attempts. Wait a few minutes, and try again.")
        cleaned: dict[str, Any] = super().clean()
        usage.rollback()
        return cleaned

    def _counted(self) -> ratelimit.RateLimitUsage | None:
        name = str(self.cleaned_data.get("username", "")).casefold()
        try:
            return ratelimit.consume(self.request, app="allauth.account", action="login_failed", key=f"admin {name}")
        except RedisError:
            # Nothing can be counted, and this is when an administrator has most need of the admin.
            return ratelimit.RateLimitUsage([])
