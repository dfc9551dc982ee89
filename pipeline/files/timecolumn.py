"""Columns of times: how they are written, told by the whole column, and what each cell says.

A single `03/04/2024` may be in March or April, a column seldom: some day is above 12, or only one order goes forward in
regular steps. Where the column does not tell either, it is refused with the option to give. A cell is brought into ISO
8601 here and read by `pipeline.stamps`, as the daemon reads events.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from pipeline.files.reader import Cells
from pipeline.stamps import Stamp, StampError, Stamps

EXCEL = "excel"
"""A unit of files alone: days since the last one of 1899."""
DAY = timedelta(days=1)
EXCEL_EPOCH = datetime(1899, 12, 30)
PARTS = ("year", "month", "day", "hour", "minute", "second")

_CLOCK = r"(?:\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?|\d{1,2}\.\d{2}\.\d{2})(?: ?[AaPp]\.?[Mm]\.?)?"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_REST = rf"(?:(?:T|,? +){_CLOCK}.*)?"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.IGNORECASE)


CLOCK = _pattern(_CLOCK)
_ZONE = r"(?: ?(?:Z|[+-]\d{2}:?\d{2}|[A-Z]{3,5}))?"
SLASHED = _pattern(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}}|\d{{2}})((?:T|,? +){_CLOCK})?({_ZONE})")
HOUR_OF_DAY = _pattern(r"\d{1,2}(?:\.0)?")
CLOCK_DIGITS = _pattern(r"\d{1,2}[0-5]\d|[0-5]?\d")
"""830, 0830, 2400 for a time of day, and in a column of such 0 or 30."""
NUMBER = _pattern(r"-?\d+(?:\.\d+)?")
HOURS = _pattern(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])")
DIGITS = _pattern(r"(?:1[5-9]|2[01])\d\d(?:\d\d){0,2}(?:\d{4}|\d{6})?")
WRITTEN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ISO 8601", _pattern(r"\d{4}-\d{1,2}(?:-\d{1,2}(?:[T ].*)?)?")),
    ("ISO week", _pattern(r"\d{4}-?W\d{2}(?:-?[1-7])?")),
    ("Y/m/d", _pattern(rf"\d{{4}}/\d{{1,2}}(?:/\d{{1,2}}{_REST})?|\d{{4}}\.\d{{1,2}}\.\d{{1,2}}{_REST}")),
    ("month by number", _pattern(r"\d{4}-?M(?:0[1-9]|1[0-2])")),
    ("half-year", _pattern(r"\d{4}-?[SH][12]")),
    ("quarter", _pattern(r"\d{4}[- ]?Q[1-4]|Q[1-4][- /]?\d{4}")),
    (
        "month by name",
        _pattern(
            rf"(?:[a-z]{{3,9}},? +)?(?:\d{{1,2}}[ /-]{_MONTH},?[ /-]\d{{2,4}}{_REST}|{_MONTH} +\d{{1,2}},? +.*\d{{4}}.*"
            rf"|{_MONTH}[ -]\d{{2,4}}|\d{{4}}[ -]{_MONTH})"
        ),
    ),
)


class TimeForm(NamedTuple):
    """How the times of a column are written.

    Attributes
    ----------
    told
        In words, such as ``d/m/Y``.
    pattern
        What every cell matches; None: any is tried.
    iso
        Brings a cell into a form that `Stamps` reads.
    """

    told: str
    pattern: re.Pattern[str] | None
    iso: Callable[[str], str]


class Orders(NamedTuple):
    """Which readings of a slashed date are left: day, month or year first."""

    left: tuple[str, ...]
    example: str


def same(text: str) -> str:
    """The cell as it stands."""
    return text


ANY = TimeForm("as written", None, same)
EPOCH_UNITS = ((1e11, "s"), (1e14, "ms"), (1e17, "us"), (float("inf"), "ns"))


def form_of(cells: Sequence[str]) -> TimeForm | None:
    """The form that all of these cells have, or None; dates of unclear day and month have the form `SLASHED`."""
    if not cells:
        return None
    if all(SLASHED.fullmatch(cell) for cell in cells):
        return TimeForm("d/m/y", SLASHED, same)
    for told, pattern in WRITTEN:
        if all(pattern.fullmatch(cell) for cell in cells):
            return TimeForm(told, pattern, _iso_of(told))
    if all(NUMBER.fullmatch(cell) for cell in cells):
        return _form_of_numbers(cells)
    return None


def _iso_of(told: str) -> Callable[[str], str]:
    return {"quarter": _quarter, "month by name": _full_year}.get(told, same)


def _quarter(text: str) -> str:
    year, number = (
        re.sub(r"^[Qq]([1-4])[- /]?(\d{4})$", r"\2Q\1", text).upper().replace("-", "").replace(" ", "").split("Q")
    )
    return f"{year}Q{number}"


def _full_year(text: str) -> str:
    """`Jan-90` and `5-Jan-90` with all digits of the year."""
    return re.sub(r"(?<=[A-Za-z.])([ /-])(\d{2})$", lambda match: match[1] + _century(match[2]), text)


def _century(year: str) -> str:
    return year if len(year) == 4 else f"{'19' if int(year) >= 69 else '20'}{year}"


def _form_of_numbers(cells: Sequence[str]) -> TimeForm | None:
    widths = {len(cell) for cell in cells}
    if len(widths) == 1 and all(DIGITS.fullmatch(cell) for cell in cells):
        told = {4: "year", 6: "Ym", 8: "Ymd", 12: "YmdHM", 14: "YmdHMS"}.get(widths.pop(), "")
        if told and _all_read(cells):
            return TimeForm(told, DIGITS, same)
    units = {next(unit for limit, unit in EPOCH_UNITS if abs(float(cell)) < limit) for cell in cells}
    if len(units) != 1:
        return None
    return TimeForm(f"{units.pop()} since 1970", NUMBER, same)


def _all_read(cells: Sequence[str]) -> bool:
    stamps = Stamps()
    try:
        return all(stamps.read(cell).is_date for cell in cells)
    except StampError:
        return False


def is_date(cell: str) -> bool:
    """Whether a cell is a date written out, and no number."""
    if SLASHED.fullmatch(cell):
        return True
    return any(pattern.fullmatch(cell) for _, pattern in WRITTEN)


def is_span(cell: str) -> bool:
    """Whether a cell holds two dates, such as `01.01.2024 00:00 - 01.01.2024 00:15`."""
    parts = re.split(r" +(?:-|\u2013|to|bis|/) +", cell)
    return len(parts) == 2 and all(map(is_date, parts))


def has_hours(cells: Iterable[str]) -> bool:
    """Whether all cells may be dates with an hour, 2024030107, which are also seconds since 1970."""
    return all(HOURS.fullmatch(cell) for cell in cells)


def first_form(cells: Sequence[str]) -> TimeForm:
    """The form of most of a column that is said to hold times, so that the cell that has another is named."""
    for count in (len(cells), 20, 1):
        form = form_of(cells[:count])
        if form is not None:
            return form
    return ANY


def said_form(text: str) -> TimeForm:
    """The form that somebody named: a pattern, a unit, or days since Excel's."""
    if text == EXCEL:
        return TimeForm("days of Excel", NUMBER, _of_excel)
    if "%" not in text and re.fullmatch(r"[dmYy]([/.-])[dmYy]\1[dmYy].*", text):
        return slashed_form(text[::2][:3].lower(), text)
    return TimeForm(text, None, same)


def _of_excel(text: str) -> str:
    return (EXCEL_EPOCH + timedelta(microseconds=round(float(text) * 86400e6))).isoformat()


def slashed_form(order: str, told: str = "", mark: str = "/") -> TimeForm:
    """Dates such as 31/01/2024 whose parts come in this order, such as ``dmy``."""

    def iso(text: str) -> str:
        match = SLASHED.fullmatch(text)
        if match is None:
            return text
        parts = dict(zip(order, (match[1], match[3], match[4]), strict=True))
        date = f"{_century(parts['y'])}-{int(parts['m']):02d}-{int(parts['d']):02d}"
        zone = match[6].strip()
        return f"{date}{_clock(match[5] or '')}{' ' if zone.isalpha() else ''}{zone}"

    return TimeForm(told or mark.join(order).replace("y", "Y"), SLASHED, iso)


def _clock(text: str) -> str:
    """A time of day with colons, after a space; empty if there is none."""
    bare = text.strip(" T,")
    if not bare:
        return ""
    digits = re.split(r"[:.]", re.sub(r"[ .]*[AaPp]\.?[Mm]\.?$", "", bare), maxsplit=2)
    half = re.search(r"([AaPp])\.?[Mm]\.?$", bare)
    hour = int(digits[0])
    if half:
        hour = hour % 12 + (12 if half[1] in "pP" else 0)
    rest = ":".join([*digits[1:], "00"][:2]).replace(",", ".")
    return f" {hour:02d}:{rest}"


def order_of(times: Iterable[Sequence[str]]) -> Orders:
    """Which orders of day, month and year a whole column of dates allows, perhaps with times of day in another one."""
    seen: dict[tuple[str, str, str, str], None] = {}
    example = ""
    for date, *clock in times:
        match = SLASHED.fullmatch(date)
        if match:
            example = example or date
            seen.setdefault((match[1], match[3], match[4], clock[0] if clock else match[5] or ""))
    orders = ("dmy", "mdy") if any(len(parts[2]) == 4 for parts in seen) else ("dmy", "mdy", "ymd")
    possible = {order: moments for order in orders if (moments := _moments(seen, order))}
    if len(possible) > 1:
        possible = _forward(possible)
    if len(possible) > 1:
        possible = _regular(possible)
    return Orders(tuple(possible), example)


def _moments(seen: Iterable[tuple[str, str, str, str]], order: str) -> list[datetime]:
    """The times in this order, or none where one does not exist."""
    moments = []
    for parts in seen:
        part = dict(zip(order, parts, strict=False))
        clock = _clock(parts[3]) if not parts[3] or CLOCK.fullmatch(parts[3].strip(" T,")) else ""
        try:
            date = f"{int(_century(part['y'])):04d}-{int(part['m']):02d}-{int(part['d']):02d}"
            moments.append(datetime.fromisoformat(date + clock.replace("24:00:00", "23:59:59")))
        except ValueError:
            return []
    return moments


def _forward(possible: dict[str, list[datetime]]) -> dict[str, list[datetime]]:
    """Those that go back in time less often; a column that goes on under one reading alone is so written."""
    back = {order: sum(after < before for before, after in pairwise(days)) for order, days in possible.items()}
    down = {order: sum(after > before for before, after in pairwise(days)) for order, days in possible.items()}
    turns = {order: min(back[order], down[order]) for order in possible}
    if 0 not in turns.values():
        return possible
    return {order: days for order, days in possible.items() if turns[order] == 0}


def _regular(possible: dict[str, list[datetime]]) -> dict[str, list[datetime]]:
    """Those in whose reading all steps are alike (a month is 28 to 31 days, a quarter 90 to 92, a year 365 or 366)."""
    alike = {order: days for order, days in possible.items() if _steps_alike(days)}
    return alike if len(alike) == 1 else possible


def _steps_alike(days: Sequence[datetime]) -> bool:
    steps = {abs(after - before) / DAY for before, after in pairwise(days)}
    if len(days) < 4 or not steps:
        return False
    return len(steps) == 1 or any(
        low <= min(steps) and max(steps) <= high for low, high in ((28, 31), (90, 92), (365, 366))
    )


def clock_of(text: str) -> str:
    """A time of day as it follows a date; raises StampError where it is none."""
    if CLOCK.fullmatch(text) is None:
        raise StampError("hour", f"`{text}` is not a time of day, such as 13:00")
    return _clock(text)


def hour_of(text: str) -> str:
    """A bare hour, 0 to 24, as it follows a date."""
    if HOUR_OF_DAY.fullmatch(text) is None or float(text) > 24:
        raise StampError(
            "hour", f"`{text}` is no hour of a day, 0 to 24; write both into one column, such as 2024-05-01 13:00"
        )
    return f" {int(float(text)):02d}:00:00"


def digits_of(text: str) -> str:
    """Hour and minute without a colon, 0 to 2400, as they follow a date."""
    if CLOCK_DIGITS.fullmatch(text) is None or int(text) > 2400:
        raise StampError("hour", f"`{text}` is no time of day without a colon, 0 to 2400")
    return f" {int(text) // 100:02d}:{int(text) % 100:02d}:00"


def clock_reader(cells: Iterable[str]) -> Callable[[str], str]:
    """How a whole column writes times of day: with colons, as bare hours, or as hour and minute without a colon."""
    kinds = set(cells)
    if not kinds or not all(NUMBER.fullmatch(cell) for cell in kinds):
        return clock_of
    has_minutes = max(map(float, kinds)) >= 100 and all(CLOCK_DIGITS.fullmatch(cell) for cell in kinds)
    return digits_of if has_minutes else hour_of


def are_clocks(cells: Sequence[str]) -> bool:
    """Whether all of these cells are times of day, however they are written."""
    read = clock_reader(cells)
    try:
        return all(read(cell) for cell in set(cells))
    except StampError:
        return False


class TimeColumn(NamedTuple):
    """Where a row has its time, and how it is read.

    Attributes
    ----------
    places
        The columns: one, a date and a time of day, or the parts of a date.
    told
        In words, for the first line of a run.
    stamps
        Reads what `text` gives.
    form
        Of the first column.
    clock
        Reads the time of day in the second one.
    """

    places: tuple[int, ...]
    told: str
    stamps: Stamps
    form: TimeForm
    clock: Callable[[str], str] = clock_of

    def text(self, row: Cells) -> str:
        """What the row says of its time, as it stands."""
        return " ".join([row[place] for place in self.places])

    def read(self, row: Cells) -> Stamp:
        """The row's time.

        Raises
        ------
        StampError
            When it is not written like the others, or is none.
        """
        first = row[self.places[0]]
        if self.form.pattern is not None and self.form.pattern.fullmatch(first) is None:
            raise StampError("another_form", f"is not written like the times before it ({self.form.told})")
        if len(self.places) == 1:
            return self.stamps.read(self.form.iso(first))
        if self.form is PARTS_FORM:
            return self.stamps.read(_of_parts([row[place] for place in self.places]))
        return self.stamps.read(self.form.iso(first) + self.clock(row[self.places[1]]))


PARTS_FORM = TimeForm("parts", _pattern(r"\d{4}(?:\.0)?"), same)


def _of_parts(parts: Sequence[str]) -> str:
    """Year, month and so on as one date."""
    numbers = [int(float(part)) for part in parts]
    year, month, day = (*numbers, 1, 1)[: max(3, len(numbers))][:3]
    clock = [f"{number:02d}" for number in [*numbers[3:], 0, 0, 0][:3]]
    return f"{year:04d}-{month:02d}-{day:02d} {':'.join(clock)}"
