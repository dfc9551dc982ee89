"""Columns that are the parts of each row's time: the months of a year, the hours of a day, side by side."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

from pipeline.files.clocks import CLOCK, clock_of
from pipeline.files.file_options import Cells
from pipeline.files.monthnames import month_of
from pipeline.files.timecolumn import TimeColumn
from pipeline.stamps import Stamp, Stamps
from pipeline.stamps.stamp import EPOCH

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
_DATES = {"year": "{0:%Y}", "month": "{0:%Y-%m}", "day": "{0:%Y-%m-%d}"}


class Cycle(NamedTuple):
    """What some columns are the parts of.

    Attributes
    ----------
    what
        Months, hours and so on.
    example
        A time of such a part, as one writes it into a row of its own.
    columns
        Places of the columns among those that were asked about.
    level
        What each row's own time is: ``year``, ``month`` or ``day``.
    parts
        For each column what makes a time of the row's; empty: that cannot be told.
    note
        What has to be known of it, in words.
    """

    what: str
    example: str
    columns: tuple[int, ...]
    level: str = ""
    parts: tuple[str, ...] = ()
    note: str = ""

    def read(self, time: TimeColumn, row: Cells, part: str) -> Stamp:
        """The time of a row's part; raises StampError where the row has none such, as a 30th of February."""
        own = time._replace(stamps=Stamps(time.stamps.format)).read(row)
        moment = EPOCH + timedelta(microseconds=own.time)
        return Stamps("auto", time.stamps.timezone).read(_DATES[self.level].format(moment) + part)

    @property
    def told(self) -> str:
        """In words, for the first line of a run."""
        return f"the header ({self.what}{self.note and f', {self.note}'})"


class _Kind(NamedTuple):
    """Columns that are numbered through."""

    what: str
    example: str
    level: str
    words: frozenset[str]  # that may stand before the number
    lengths: tuple[range, ...]  # which numbers there have to be
    part: Callable[[int], str] | None = None  # of the number, counted from the first; None: minutes
    minutes: int = 0


def _words(text: str) -> frozenset[str]:
    return frozenset(["", *text.split()])


_HOUR = "2024-05-01 13:00"
ENDING = ("he", "hhe", "hour_ending")
"""These number the hours by their ends."""
_BY_DAY = (
    _Kind(
        *("hours", _HOUR, "day", _words("h he hb hr hour hours hour_ending stunde std heure hora")),
        *((range(24), range(1, 25), range(1, 26)), None, 60),
    ),
    _Kind(
        *("half hours", _HOUR, "day", _words("hh hhe sp p period settlement_period slot interval")),
        *((range(48), range(1, 49), range(1, 51)), None, 30),
    ),
    _Kind(
        *("quarters of an hour", _HOUR, "day", _words("q qh p period slot interval v")),
        *((range(96), range(1, 97), range(1, 101)), None, 15),
    ),
)
_BY_MONTH = (
    _Kind("days", "2024-05-31", "month", _words("d day tag jour dia"), (range(1, 32), range(1, 31)), "-{:02d}".format),
)
_BY_YEAR = (
    _Kind("months", "2024-05", "year", _words("m month monat mois mes"), (range(1, 13),), "-{:02d}".format),
    _Kind("quarters", "2024Q2", "year", _words("q quarter quartal t"), (range(1, 5),), "Q{}".format),
    _Kind("weeks", "2024-W05", "year", _words("w week kw woche"), (range(1, 53), range(1, 54)), "-W{:02d}".format),
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
    if time.form.told == "year":
        return _of_months(names) or _of_numbers(_BY_YEAR, names)
    if time.form.told in MONTHS or all(re.fullmatch(r"\d{4}-\d{1,2}", cell) for cell in cells):
        return _of_numbers(_BY_MONTH, names)
    lower = [name.lower() for name in names]
    if any(set(weekdays) <= set(lower) for weekdays in _WEEKDAYS):
        return Cycle("days", "2024-05-01", tuple(range(len(names))))
    if len(time.places) > 1 or any(":" in cell for cell in cells):
        return None
    return _of_clocks(names) or _of_numbers(_BY_DAY, names)


def _of_months(names: Sequence[str]) -> Cycle | None:
    found = {place: number for place, name in enumerate(names) if (number := month_of(name)) is not None}
    if sorted(found.values()) != list(range(1, 13)):
        return None
    return Cycle("months", "2024-05", tuple(found), "year", tuple(f"-{number:02d}" for number in found.values()))


def _of_clocks(names: Sequence[str]) -> Cycle | None:
    found = {place: clock_of(name) for place, name in enumerate(names) if CLOCK.fullmatch(name)}
    if len(found) < 24:
        return None
    return Cycle("times of day", _HOUR, tuple(found), "day", tuple(found.values()))


def _of_numbers(kinds: Collection[_Kind], names: Sequence[str]) -> Cycle | None:
    """Columns that are numbered through as one of these, all after the same word."""
    by_word: dict[str, dict[int, int]] = {}
    for place, name in enumerate(names):
        if match := _NUMBERED.fullmatch(name):
            by_word.setdefault(match[1].strip().lower().replace(" ", "_"), {})[int(match[2])] = place
    for word, places in by_word.items():
        for kind in kinds:
            if word in kind.words and any(set(places) == set(length) for length in kind.lengths):
                return _numbered(kind, word, names, dict(sorted(places.items())))
    return None


def _numbered(kind: _Kind, word: str, names: Sequence[str], places: dict[int, int]) -> Cycle:
    columns = tuple(places.values())
    if kind.part is not None:
        return Cycle(kind.what, kind.example, columns, kind.level, tuple(map(kind.part, places)))
    if len(places) * kind.minutes > 24 * 60:  # in autumn a day has an hour more, and which one it is cannot be told
        return Cycle(kind.what, kind.example, columns)
    before = 0 if word in ENDING else min(places)
    passed = [(number - before) * kind.minutes for number in places]
    parts = tuple(f" {minutes // 60:02d}:{minutes % 60:02d}:00" for minutes in passed)
    first = names[columns[0]]
    note = f"`{first}` is {parts[0].strip()[:5]}"
    return Cycle(kind.what, kind.example, columns, kind.level, parts, note)
