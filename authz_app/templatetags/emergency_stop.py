"""Shows a banner on every page of the admin while all calls are stopped."""

from typing import Any

from django import template

from authz_app.pages.start.emergency_stop import banner

register = template.Library()


@register.inclusion_tag("admin/emergency_stop/banner.html", takes_context=True)
def stop_banner(context: template.Context) -> dict[str, Any]:
    """Say who stopped all calls, when and why; nothing where they go on."""
    request = context.get("request")
    stopped = banner(request) if request is not None else {}
    return {"stopped": stopped, "csrf_token": context.get("csrf_token")}
