"""Where a file has its times: in a column that is named, or in the only one that can be meant."""

import re
import shlex
from collections.abc import Callable, Sequence

import numpy as np

from pipeline.files.clocks import CLOCK, NUMBER, clock_of, clock_reader, hour_of
from pipeline.files.dateorder import order_of
from pipeline.files.dateparts import ALLOWED, WEEK, role_of, roles_of, whole_words
from pipeline.files.file_options import PLAIN, Fields, FileOptions
from pipeline.files.packing import TableError
from pipeline.files.sample import Sample, listed
from pipeline.files.timecolumn import TimeColumn
from pipeline.files.timeforms import (
    ANY,
    DIGITS,
    SLASHED,
    WEEKS,
    TimeForm,
    first_form,
    form_of,
    has_hours,
    is_date,
    named_form,
    slashed_form,
)
from pipeline.files.timehints import hint_of, never_falls
from pipeline.files.timenames import PART_OF_A_TIME_NAME, TIME_NAME, UNNAMED, WEEK_NAME
from pipeline.stamps import ZONES, StampError, Stamps

LIKELY = (np.datetime64("1980-01-01", "us").astype(int), np.datetime64("2100-01-01", "us").astype(int))
"""Times that a column of bare numbers may hold without being named."""
_ZONED = re.compile(r"(?:Z|[+-]\d{2}:?\d{2}|[A-Z]{3,5})$")
_WITH_CLOCK = re.compile(r"\d:\d\d|\d[T ]\d")


class TimeFinder:
    """Looks for the times of a sheet.

    Parameters
    ----------
    sample
        The sheet's first rows.
    fields, options
        What columns are called, and which were named, or how they are written.
    """

    def __init__(self, sample: Sample, fields: Fields, options: FileOptions) -> None:
        self._sample, self._fields, self._options = sample, fields, options

    def time(self) -> TimeColumn | None:
        """Where times are; None where there are none, or a column counts steps."""
        places = self._sample.asked(self._options.time, "--time")
        if places and self._counts(places):
            return None
        if not places:
            places = self._time_by_settings() or self._time_by_format() or self._time_by_content()
        return self._time_of(places) if places else None

    def _counts(self, places: tuple[int, ...]) -> bool:
        """Whether the column that was named counts steps, as a step was given and its numbers are no dates."""
        if len(places) > 1 or isinstance(self._options.step, str) or self._options.time_format:
            return False
        cells = self._sample.cells[places[0]]
        return bool(cells) and all(re.fullmatch(r"\d{1,7}", cell) and not DIGITS.fullmatch(cell) for cell in cells)

    def _time_by_settings(self) -> tuple[int, ...]:
        names = (self._fields.timestamp, PLAIN.timestamp)
        return tuple(self._sample.columns.index(name) for name in names if name in self._sample.columns)[:1]

    def _time_by_format(self) -> tuple[int, ...]:
        """The one column of which all cells are written as was said."""
        if "%" not in self._options.time_format:
            return ()
        form, stamps = named_form(self._options.time_format), self._stamps(self._options.time_format)
        found = [place for place, cells in enumerate(self._sample.cells) if cells and _all_so(cells, form, stamps)]
        if len(found) > 1:
            raise self._two_times(found)
        return tuple(found)

    def _stamps(self, pattern: str) -> Stamps:
        try:
            return Stamps(pattern, self._options.timezone)
        except ValueError as error:
            raise TableError(f"{self._sample.path}: {error} (--time-format, --timezone)") from None

    def _time_by_content(self) -> tuple[int, ...]:
        written = [place for place in range(len(self._sample.columns)) if self._is_written_time(place)]
        clocks = [place for place, cells in enumerate(self._sample.cells) if cells and all(map(CLOCK.fullmatch, cells))]
        written = [place for place in written if place not in clocks] or written
        written = [place for place in written if self._changes(place)] or written
        if (
            len(written) == 1
            and len(clocks) == 1
            and written != clocks
            and not any(map(_WITH_CLOCK.search, self._sample.cells[written[0]]))
        ):
            return (written[0], clocks[0])
        if len(written) > 1:
            raise self._two_times(written)
        if written:
            return (written[0],)
        return self._time_by_parts() or self._time_by_numbers()

    def _changes(self, place: int) -> bool:
        """Whether a column may tell the times of several rows: when a file was written, all its rows say alike."""
        return len(set(self._sample.cells[place])) > 1

    def _is_written_time(self, place: int) -> bool:
        cells = self._sample.cells[place]
        form = form_of(cells) or (form_of(cells[:1]) if cells and is_date(cells[0]) else None)
        return form is not None and is_date(cells[0])

    def _two_times(self, places: Sequence[int]) -> TableError:
        names = [self._sample.called(place) for place in places]
        return TableError(
            f"{self._sample.path} has {len(names)} columns of times, {listed(names)}; choose one: --time"
            f" {shlex.quote(names[0])}"
        )

    def _time_by_parts(self) -> tuple[int, ...]:
        """Year, month, day and so on in columns of their own."""
        roles = {place: role_of(name) for place, name in enumerate(self._sample.columns) if whole_words(name)}
        if "year" not in roles.values() or len(set(roles.values()) - {""}) < len(
            [one for one in roles.values() if one]
        ):
            return ()
        by_role = {role: place for place, role in roles.items() if role}
        fitting = [one for one in ALLOWED if set(one) <= by_role.keys()]
        return tuple(by_role[role] for role in max(fitting, key=_fineness)) if fitting else ()

    def _time_by_numbers(self) -> tuple[int, ...]:
        """Bare numbers, where their size and the column's name or place say that they are times."""
        found = [place for place, cells in enumerate(self._sample.cells) if self._is_numeric_time(place, cells)]
        if len(found) > 1:
            raise self._two_times(found)
        return tuple(found)

    def counts_since_1970(self, place: int) -> bool:
        """Whether a column holds times as numbers, though another one is the time."""
        cells = self._sample.cells[place]
        if not cells or not all(map(NUMBER.fullmatch, cells)) or not self._is_numeric_time(place, cells):
            return False
        form = form_of(cells)
        return form is not None and form.told.endswith("since 1970")

    def _is_numeric_time(self, place: int, cells: list[str]) -> bool:
        form = self._form(place) if cells and all(map(NUMBER.fullmatch, cells)) else None
        if form is None:
            return False
        name = self._sample.columns[place]
        is_called_so = TIME_NAME.search(name) is not None or form is WEEKS
        if not is_called_so and not PART_OF_A_TIME_NAME.search(name) and not self._is_index_of_times(place, form):
            return False
        try:
            times = [Stamps().read(form.iso(cell)).time for cell in cells]
        except StampError:
            return False
        is_date = form.told in ("year", "Ym", "Ymd", WEEKS.told) and is_called_so
        return is_date or all(LIKELY[0] <= time <= LIKELY[1] for time in times)

    def _is_index_of_times(self, place: int, form: TimeForm) -> bool:
        """Whether it is a first column without a name, as pandas writes its index, of numbers too long to be others."""
        cells = self._sample.cells[place]
        is_index = place == 0 and UNNAMED.fullmatch(self._sample.columns[0]) is not None and never_falls(cells)
        return is_index and (form.told == "Ymd" or form.told.endswith("since 1970"))

    def _form(self, place: int) -> TimeForm | None:
        """The form of a column's cells; of a column of weeks six digits are no months."""
        cells = self._sample.cells[place]
        if WEEK_NAME.search(self._sample.columns[place]) and cells and all(WEEKS.matches(cell) for cell in cells):
            return WEEKS
        return form_of(cells)

    def _time_of(self, places: tuple[int, ...]) -> TimeColumn:
        """How the times in these columns are written."""
        cells, named = self._sample.cells[places[0]], self._options.time_format
        if len(places) > 1 and not named and not any(map(is_date, cells[:1])) and not self._is_day_and_clock(places):
            return self._parts_of(places)
        if len(places) > 2:
            raise self._no_parts(places)
        if not named and cells and has_hours(cells):
            name = self._sample.called(places[0])
            raise TableError(
                f"{self._sample.path}: `{cells[0]}` in column `{name}` may be a date with its hour or seconds since"
                " 1970; say --time-format %Y%m%d%H or --time-format s"
            )
        form = named_form(named) if named else (self._form(places[0]) or first_form(cells))
        form = self._ordered(places) if form.pattern is SLASHED and not named else form
        stamps = self._stamps(named if named and form.pattern is None else "auto")
        names = " + ".join(self._sample.called(place) for place in places)
        zone = self._named_zone(places) if self._options.timezone == "UTC" else f", {self._options.timezone}"
        clock, day = self._clock(places)
        return TimeColumn(places, f"{names} ({form.told}{day}{zone})", stamps, form, clock)

    def _named_zone(self, places: Sequence[int]) -> str:
        """What to tell where a column's name has a zone and its cells have none."""
        words = re.findall(r"[A-Z]{3,4}", self._sample.columns[places[0]])
        zones = [ZONES[word] for word in words if word in ZONES]
        if not zones or any(_ZONED.search(cell) for cell in self._sample.cells[places[0]][:1]):
            return ""
        return f", taken as UTC: say --timezone {zones[0]} if that is meant"

    def _clock(self, places: Sequence[int]) -> tuple[Callable[[str], str], str]:
        """How the times of day beside a date are read, and what is told of it."""
        if len(places) == 1:
            return clock_of, ""
        reader = clock_reader(row[places[1]] for row in self._sample.sheet.rows() if row[places[1]])
        hours = (
            " + hour, 24 is the next day's 0" if any(map(_is_last_hour, self._sample.cells[places[1]])) else " + hour"
        )
        return reader, hours if reader is hour_of else " + time of day"

    def _is_day_and_clock(self, places: Sequence[int]) -> bool:
        """Whether days without marks, 20240301, stand beside times of day."""
        form = form_of(self._sample.cells[places[0]])
        return len(places) == 2 and form is not None and form.told == "Ymd"

    def _parts_of(self, places: tuple[int, ...]) -> TimeColumn:
        columns = [self._sample.called(place) for place in places]
        roles = roles_of(columns)
        if not roles:
            raise self._no_parts(places)
        told = f"{' + '.join(columns)} ({'ISO weeks' if WEEK in roles else 'parts of a date'})"
        return TimeColumn(places, told, Stamps("auto", self._options.timezone), ANY, parts=roles)

    def _no_parts(self, places: tuple[int, ...]) -> TableError:
        names = listed(self._sample.called(place) for place in places)
        return TableError(
            f"{self._sample.path}: {names} make no time together; give a column of dates and one of times of day, or"
            " columns called year, month, day, hour (or year, week; year, doy)"
        )

    def _ordered(self, places: tuple[int, ...]) -> TimeForm:
        """The one order of day, month and year that the whole column allows."""
        orders = order_of([row[place] for place in places] for row in self._sample.sheet.rows())
        if len(orders.left) == 1:
            return slashed_form(orders.left[0], mark=next(mark for mark in "/.-" if mark in orders.example))
        name = self._sample.called(places[0])
        if not orders.left:
            raise TableError(
                f"{self._sample.path}: `{name}` holds dates with the day first and dates with the month first; write"
                " all alike"
            )
        ways = " or ".join(f"--time-format {slashed_form(order).told}" for order in orders.left)
        raise TableError(
            f"{self._sample.path}: `{orders.example}` in column `{name}` may have the day or the month first, and no"
            f" row of the file tells which; say {ways}"
        )

    def counter(self) -> int | None:
        """What stands in for a time: rows counted by a step that was given."""
        if isinstance(self._options.step, str):
            raise TableError(
                f"{self._sample.path} has no column of times that can be told ({listed(self._sample.columns)}); name"
                f" it with --time COLUMN, or say how far apart its rows are, such as --step 1h{hint_of(self._sample)}"
            )
        return next(iter(self._sample.asked(self._options.time, "--time")), None)


def _all_so(cells: Sequence[str], form: TimeForm, stamps: Stamps) -> bool:
    try:
        return all(stamps.read(form.iso(cell)) for cell in cells)
    except StampError:
        return False


def _fineness(parts: tuple[str, ...]) -> tuple[bool, int]:
    """Of the parts that a file has, months go before weeks and days of the year, and more go before fewer."""
    return "month" in parts, len(parts)


def _is_last_hour(cell: str) -> bool:
    return float(cell) == 24 if NUMBER.fullmatch(cell) else False
