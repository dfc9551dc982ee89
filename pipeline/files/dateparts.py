"""The parts of a date in columns of their own: year, month, day and so on, a week, a day of the year."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from types import MappingProxyType

from pipeline.files.monthnames import month_of
from pipeline.stamps import StampError

PARTS = ("year", "month", "day", "hour", "minute", "second")
WEEK, DAY_OF_YEAR, QUARTER = "week", "day of the year", "quarter"
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "year": "y yr yyyy jahr annee année año ano anno",
        "month": "m mo mm mon mth monat mois mes mese maand",
        "day": "d dd dy dom tag jour dia día giorno day_of_month",
        "hour": "h hh hr stunde heure hora ora uur",
        "minute": "min mi minuten",
        "second": "s ss sec sek",
        WEEK: "week_number weeknum weekno isoweek iso_week epiweek kw woche semaine semana wk uge vecka",
        QUARTER: "qtr q quartal trimestre kvartal",
        DAY_OF_YEAR: "doy yday jday julian day_of_year dayofyear julian_day ddd",
    }
)
_ROLES = {name: role for role, names in _NAMES.items() for name in (role, *names.split())}
ALLOWED = (
    *(PARTS[:count] for count in range(2, len(PARTS) + 1)),
    ("year", WEEK),
    ("year", QUARTER),
    *(("year", DAY_OF_YEAR, *PARTS[3 : 3 + count]) for count in range(4)),
)
"""Which parts make a time together."""


def role_of(name: str) -> str:
    """Which part of a date a column of this name holds; empty: none."""
    return _ROLES.get(name.strip().lower().replace(" ", "_"), "")


def whole_words(name: str) -> bool:
    """Whether a name says a part of a date in a word: `m` and `s` alone may be anything."""
    return len(name.strip()) > 1


def roles_of(names: Sequence[str]) -> tuple[str, ...]:
    """Which part of a date each of these columns holds; nothing where they make no date together.

    Columns whose names say nothing hold year, month, day and so on, in that order.
    """
    roles = tuple(map(role_of, names))
    if not any(roles):
        return PARTS[: len(names)]
    in_order = tuple(role for role in (*PARTS[:1], WEEK, QUARTER, DAY_OF_YEAR, *PARTS[1:]) if role in roles)
    return roles if in_order in ALLOWED and len(in_order) == len(roles) else ()


def written(roles: Sequence[str], cells: Sequence[str]) -> str:
    """These parts as one date.

    Raises
    ------
    StampError
        When they are none.
    """
    parts = {role: _number(role, cell) for role, cell in zip(roles, cells, strict=True)}
    year = parts["year"]
    if not 1000 <= year <= 2999:
        raise StampError("part", f"`{year}` is no year of four digits")
    clock = ":".join(f"{parts.get(name, 0):02d}" for name in PARTS[3:])
    try:
        if WEEK in parts:
            return f"{date.fromisocalendar(year, parts[WEEK], 1)} {clock}"
        if DAY_OF_YEAR in parts:
            return f"{date(year, 1, 1) + timedelta(days=parts[DAY_OF_YEAR] - 1)} {clock}"
    except (ValueError, OverflowError) as error:
        raise StampError("part", str(error)) from None
    month = 3 * parts[QUARTER] - 2 if QUARTER in parts else parts.get("month", 1)
    return f"{year:04d}-{month:02d}-{parts.get('day', 1):02d} {clock}"


def _number(role: str, cell: str) -> int:
    if re.fullmatch(r"\d{1,4}(?:\.0+)?", cell, re.ASCII):
        return int(float(cell))
    if role == QUARTER and re.fullmatch(r"[QqTt][1-4]", cell):
        return int(cell[1])
    month = month_of(cell) if role == "month" else None
    if month is None:
        raise StampError("part", f"`{cell}` is no {role}")
    return month
