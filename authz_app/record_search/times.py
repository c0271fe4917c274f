"""Reads points in time in a search: `2d`, `today`, `2026-11-20`, `2026-11-20T14:30`. Pure."""

import re
from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo

_AGO = re.compile(r"(\d{1,5})(m|h|d|w)")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
# Records begin with their time, which has to fit into their ids.
_YEARS = range(1970, 10_000)
_DAY = timedelta(days=1)
HOW = "Write 90m, 12h, 2d, 4w, today, yesterday, 2026-11-20 or 2026-11-20T14:30."


def start_of(text: str, now: datetime) -> datetime | None:
    """Read a moment, or the beginning of a day; None where it is neither. ``now`` has the time zone to read it in."""
    named = _named(text, now)
    return named if named is None or isinstance(named, datetime) else _midnight(named, now.tzinfo)


def end_of(text: str, now: datetime) -> datetime | None:
    """Read a moment, or the end of a day: the beginning of the next; None where it is neither."""
    named = _named(text, now)
    return named if named is None or isinstance(named, datetime) else _midnight(named + _DAY, now.tzinfo)


def _named(text: str, now: datetime) -> datetime | date | None:
    word = text.strip().lower()
    if word in ("today", "yesterday"):
        return now.date() - _DAY * (word == "yesterday")
    if ago := _AGO.fullmatch(word):
        return now - int(ago[1]) * _UNITS[ago[2]]
    return _in_figures(text.strip(), now)


def _in_figures(text: str, now: datetime) -> datetime | date | None:
    with suppress(ValueError, OverflowError):
        found: datetime | date = date.fromisoformat(text) if len(text) <= len("2026-11-20") else _datetime(text, now)
        # A day or a zone may lie beyond what a calendar holds.
        if found.year in _YEARS and (found + _DAY).year in _YEARS and (found - _DAY).year in _YEARS:
            return found
    return None


def _datetime(text: str, now: datetime) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo is not None else found.replace(tzinfo=now.tzinfo)


def _midnight(day: date, zone: tzinfo | None) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
