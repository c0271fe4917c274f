"""Reads this app's settings, once, into a frozen object."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed


@dataclass(frozen=True, slots=True)
class ToolsConf:
    """Limits on what is accepted and run. Times in seconds, sizes in bytes."""

    tool_time_limit: float
    tool_threads: int
    max_body_bytes: int
    max_json_depth: int
    max_calls_in_flight: int
    max_sessions_per_client: int
    max_session_idle: float
    session_grace: float
    max_queued_bytes: int
    openweathermap_api_key: str
    openweathermap_url: str
    ignored_arguments: frozenset[str] = frozenset()
    heartbeat: float = 15.0


@cache
def conf() -> ToolsConf:
    return ToolsConf(
        tool_time_limit=settings.TOOL_TIME_LIMIT,
        tool_threads=settings.TOOL_THREADS,
        max_body_bytes=settings.MAX_BODY_BYTES,
        max_json_depth=settings.MAX_JSON_DEPTH,
        max_calls_in_flight=settings.MAX_CALLS_IN_FLIGHT,
        max_sessions_per_client=settings.MAX_SESSIONS_PER_CLIENT,
        max_session_idle=settings.MAX_SESSION_IDLE,
        session_grace=settings.SESSION_GRACE_SECONDS,
        max_queued_bytes=settings.MAX_QUEUED_BYTES,
        openweathermap_api_key=settings.OPENWEATHERMAP_API_KEY,
        openweathermap_url=settings.OPENWEATHERMAP_URL,
        ignored_arguments=frozenset(name.strip() for name in settings.IGNORED_ARGUMENTS) - {""},
    )


def _forget(**_: Any) -> None:
    conf.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tools_app.conf")
