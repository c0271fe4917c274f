"""Offers the built-in tools. They read no request and no database."""

from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from mcp_types import ToolAnnotations

from tools_app.conf import conf
from tools_app.errors import ToolFailure
from tools_app.registry import tool
from tools_app.weather import current_weather

_LONGEST_ZONE = 64


@tool(
    time_limit=10,
    annotations=ToolAnnotations(
        title="Current time", read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
)
def TimeTool(input_timezone: str | None = None) -> str:
    """Tells the current date and time in a time zone, and so in any city or country.

    input_timezone is an IANA time zone name such as Asia/Kolkata or America/New_York. For a city that has no zone of
    its own, give the zone it lies in: Asia/Kolkata for Bengaluru, America/Los_Angeles for Seattle. Without it, the
    time is in UTC.
    """
    return current_time(datetime.now(UTC), input_timezone)


@tool(
    time_limit=10,
    annotations=ToolAnnotations(
        title="Current weather", read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
    ),
)
def weather_tool(location: str) -> str:
    """Tells the current weather and temperature in a place.

    location is a city, or a city and a country code, such as Bengaluru or Paris,FR.
    """
    return current_weather(location, conf().openweathermap_api_key, conf().openweathermap_url)


def current_time(now: datetime, zone: str | None) -> str:
    """The sentence that TimeTool answers with, for the aware moment ``now``.

    Raises:
        ToolFailure: ``zone`` is no IANA time zone.
    """
    place = ZoneInfo("UTC") if zone is None else _zone(zone)
    local = now.astimezone(place).isoformat(sep=" ", timespec="seconds")
    return f"The current time is {local} ({place})."


@cache
def _zones() -> dict[str, str]:
    """Every IANA zone name by its case-folded form. Only these are looked up: ZoneInfo takes names as file paths."""
    return {name.casefold(): name for name in available_timezones() - {"localtime", "Factory"}}


@cache
def _cities() -> dict[str, str]:
    return {folded.rpartition("/")[2]: name for folded, name in sorted(_zones().items())}


def _zone(name: str) -> ZoneInfo:
    known = _zones().get(name.casefold()) if len(name) <= _LONGEST_ZONE else None
    if known is None:
        raise ToolFailure(_unknown_zone(name))
    return ZoneInfo(known)


def _unknown_zone(name: str) -> str:
    shown = name if len(name) <= _LONGEST_ZONE else f"{name[:_LONGEST_ZONE]}..."
    near = _near(name) if len(name) <= _LONGEST_ZONE else []
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return (
        f"{shown!r} is not an IANA time zone.{meant} Use the name of the zone that the place lies in, such as"
        " Asia/Kolkata, Europe/Paris or America/New_York."
    )


def _near(name: str) -> list[str]:
    city = name.casefold().replace(" ", "_").rpartition("/")[2]
    return [_cities()[match] for match in get_close_matches(city, _cities(), n=3, cutoff=0.75)]
