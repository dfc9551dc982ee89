"""Dates as people and programs write them: year first, or with the month's name."""

import re
from collections.abc import Mapping
from datetime import datetime

_CLOCK = (
    r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?)"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,?\s+)?"
_MONTH = r"(?P<name>[a-z]{3,9})\.?"
_FORMS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})(?:[-/.](?P<day>\d{{1,2}})(?:(?:T|,?\s+){_CLOCK})?)?",
        r"(?P<year>\d{4})[- ]?Q(?P<quarter>[1-4])",
        r"(?P<year>\d{4})-?M(?P<month>\d{2})",
        r"(?P<year>\d{4})-?[SH](?P<half_year>[12])",
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[ /-]{_MONTH},?[ /-](?P<year>\d{{4}})(?:(?:[T:]|,?\s+){_CLOCK})?",
        rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})(?:(?:T|,?\s+){_CLOCK})?",
        rf"{_WEEKDAY}{_MONTH}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s+(?P<year>\d{{4}})",
        rf"{_MONTH}[ -](?P<year>\d{{4}})",
        rf"(?P<year>\d{{4}})[ -]{_MONTH}",
    )
)
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


def written_date(text: str) -> datetime | None:
    """A date year first or with the month's name, and a time of day if there is one; None if it is none."""
    matches = (form.fullmatch(text) for form in _FORMS)
    match = next((each for each in matches if each), None)
    if match is None:
        return None
    parts = match.groupdict()
    month = _month(parts)
    if month is None:
        return None
    day, hour, minute, second = (int(parts.get(name) or least) for name, least in _PARTS)
    microsecond = int((parts.get("fraction") or "0").ljust(6, "0")[:6])
    try:
        return datetime(
            int(parts["year"] or 0), month, day, _hour(hour, parts.get("half")), minute, second, microsecond
        )
    except ValueError:
        return None


_PARTS = (("day", 1), ("hour", 0), ("minute", 0), ("second", 0))


def _month(parts: Mapping[str, str | None]) -> int | None:
    quarter, name = parts.get("quarter"), parts.get("name")
    if quarter:
        return 3 * int(quarter) - 2
    if parts.get("half_year"):
        return 6 * int(parts["half_year"] or 1) - 5
    if name:
        fitting = [index for index, month in enumerate(_MONTHS, 1) if month.startswith(name.lower())]
        return fitting[0] if fitting else 9 if name.lower() == "sept" else None
    return int(parts.get("month") or 1)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(f"{hour} is no hour of a half day")
    return hour % 12 + (12 if half in "pP" else 0)
