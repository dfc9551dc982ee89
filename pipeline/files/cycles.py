"""Columns that are the parts of each row's time: the months of a year, the hours of a day, side by side."""

import re
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from pipeline.files.clocks import CLOCK
from pipeline.files.monthnames import month_of
from pipeline.files.timecolumn import TimeColumn

YEARS = ("year",)
MONTHS = ("Ym", "month by number", "month by name")
_NUMBERED = re.compile(r"([^\W\d]*?(?:[ _][^\W\d]+)?)[ _-]*(\d{1,3})(?::?00(?::00)?)?", re.IGNORECASE)
_WEEKDAYS = tuple(
    dict(zip(names.split(), range(7), strict=True))
    for names in (
        "mon tue wed thu fri sat sun",
        "monday tuesday wednesday thursday friday saturday sunday",
        "mo di mi do fr sa so",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        "lun mar mer jeu ven sam dim",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "lunes martes miércoles jueves viernes sábado domingo",
    )
)


class Cycle(NamedTuple):
    """What some columns are the parts of, and how one writes a time of such a part."""

    what: str
    example: str
    columns: tuple[int, ...]


class _Kind(NamedTuple):
    what: str
    example: str
    words: frozenset[str]  # before the number; "" alone: nothing
    lengths: tuple[range, ...]  # which numbers there have to be


_HOUR = "2024-05-01 13:00"
_BY_DAY = (
    _Kind(
        "hours",
        _HOUR,
        frozenset(["h", "he", "hb", "hr", "hour", "hours", "hour_ending", "stunde", "std", "heure", "hora"]) | {""},
        (
            range(24),
            range(1, 25),
            range(25),
            range(1, 26),
        ),
    ),
    _Kind(
        "half hours",
        _HOUR,
        frozenset(["hh", "hhe", "sp", "p", "period", "settlement_period", "slot", "interval"]) | {""},
        (
            range(48),
            range(1, 49),
            range(1, 51),
        ),
    ),
    _Kind(
        "quarters of an hour",
        _HOUR,
        frozenset(["q", "qh", "p", "period", "slot", "interval", "v"]) | {""},
        (
            range(96),
            range(1, 97),
            range(1, 101),
        ),
    ),
)
_BY_MONTH = (
    _Kind("days", "2024-05-31", frozenset(["d", "day", "tag", "jour", "dia"]) | {""}, (range(1, 32), range(1, 31))),
)
_BY_YEAR = (
    _Kind("months", "2024-05", frozenset(["m", "month", "monat", "mois", "mes"]) | {""}, (range(1, 13),)),
    _Kind("quarters", "2024Q2", frozenset(["q", "quarter", "quartal", "t"]) | {""}, (range(1, 5),)),
    _Kind("weeks", "2024-W05", frozenset(["w", "week", "kw", "woche", "semaine"]) | {""}, (range(1, 53), range(1, 54))),
)


def cycle_of(names: Sequence[str], time: TimeColumn, cells: Sequence[str]) -> Cycle | None:
    """The parts of each row's time that these columns are, or None.

    Parameters
    ----------
    names
        Of the columns of values.
    time
        Where a row has its time.
    cells
        Some of these times.
    """
    names = [name.strip() for name in names]
    if time.form.told in YEARS:
        return _of_words("months", "2024-05", names, month_of, 12) or _of_numbers(_BY_YEAR, names)
    if time.form.told in MONTHS or all(re.fullmatch(r"\d{4}-\d{1,2}", cell) for cell in cells):
        return _of_numbers(_BY_MONTH, names)
    for weekdays in _WEEKDAYS:
        if found := _of_words("days", "2024-05-01", [name.lower() for name in names], weekdays.get, 7):
            return found
    if len(time.places) > 1 or any(":" in cell for cell in cells):
        return None
    clocks = tuple(place for place, name in enumerate(names) if CLOCK.fullmatch(name))
    if len(clocks) >= 24:
        return Cycle("times of day", _HOUR, clocks)
    return _of_numbers(_BY_DAY, names)


def _of_words(
    what: str, example: str, names: Sequence[str], number: Callable[[str], int | None], count: int
) -> Cycle | None:
    found = tuple(place for place, name in enumerate(names) if number(name) is not None)
    return Cycle(what, example, found) if len({number(names[place]) for place in found}) == count else None


def _of_numbers(kinds: Collection[_Kind], names: Sequence[str]) -> Cycle | None:
    """Columns that are numbered through as one of these, all after the same word."""
    by_word: dict[str, dict[int, int]] = {}
    for place, name in enumerate(names):
        if match := _NUMBERED.fullmatch(name):
            by_word.setdefault(match[1].strip().lower().replace(" ", "_"), {})[int(match[2])] = place
    for word, places in by_word.items():
        for kind in kinds:
            if word in kind.words and any(set(places) == set(length) for length in kind.lengths):
                return Cycle(kind.what, kind.example, tuple(sorted(places.values())))
    return None
