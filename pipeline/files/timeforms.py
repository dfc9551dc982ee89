"""How the times of a column are written, told by all of its cells; each is brought into ISO 8601.

`pipeline.stamps` reads that, as it reads the times of events.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.files.clocks import CLOCK_TEXT, NUMBER, after_date, ascii_pattern
from pipeline.files.monthnames import NAME, in_english
from pipeline.stamps import StampError, Stamps

EXCEL = "excel"
"""A unit of files alone: days since the last one of 1899."""
EXCEL_EPOCH = datetime(1899, 12, 30)
_REST = rf"(?:(?:[T:]|,? +){CLOCK_TEXT}.*)?"
_DAY = r"[0-9]{1,2}(?:\.|er|st|nd|rd|th)?"
_ZONE = r"(?: ?(?:Z|[+-]\d{2}:?\d{2}|[A-Z]{3,5}))?"
SLASHED = ascii_pattern(rf"(\d{{1,2}})([/.-])(\d{{1,2}})\2(\d{{4}}|\d{{2}})((?:T|,? +){CLOCK_TEXT})?({_ZONE})")
HOURS = ascii_pattern(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])")
DIGITS = ascii_pattern(r"(?:1[5-9]|2[01])\d\d(?:\d\d){0,2}(?:\d{4}|\d{6})?")
_QUARTER = (
    r"\d{4}[-/ .]?(?:Q|K|T)[ -]?[1-4]|(?:Q|T)\.?[ -]?[1-4][-/ .']{0,2}(?:\d{4}|\d{2})"
    r"|[1-4]\.? ?(?:Q|T|quartal|trimestre)\.?[-/ ]?(?:\d{4}|\d{2})"
)
WRITTEN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ISO 8601", ascii_pattern(r"\d{4}-\d{1,2}(?:-\d{1,2}(?:[T _-].*)?)?")),
    ("ISO week", ascii_pattern(r"\d{4}[- ]?W\d{1,2}(?:-?[1-7])?|\d{4}[-/ ]?KW ?\d{1,2}")),
    ("Y/m/d", ascii_pattern(rf"\d{{4}}/\d{{1,2}}(?:/\d{{1,2}}{_REST})?|\d{{4}}\.\d{{1,2}}\.\d{{1,2}}{_REST}")),
    ("month by number", ascii_pattern(r"\d{4}-?M(?:0[1-9]|1[0-2])")),
    ("half-year", ascii_pattern(r"\d{4}-?[SH][12]")),
    ("quarter", ascii_pattern(_QUARTER)),
    ("basic ISO 8601", ascii_pattern(rf"\d{{8}}[T _-]\d{{2}}:?\d{{2}}(?::?\d{{2}}(?:\.\d+)?)?{_ZONE}")),
    (
        "month by name",
        re.compile(
            rf"(?:[^\W\d_]{{2,10}}\.?,? +)?(?:{_DAY}(?:[ /-]| de ){NAME},?(?:[ /-]| del? )[0-9]{{2,4}}{_REST}"
            rf"|{NAME} +[0-9]{{1,2}},? +.*[0-9]{{4}}.*|{NAME}(?:[ /-]| del? )[0-9]{{2,4}}|[0-9]{{4}}[ /-]{NAME})",
            re.IGNORECASE,
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

    def matches(self, cell: str) -> bool:
        """Whether a cell is written so."""
        return self.pattern is None or self.pattern.fullmatch(cell) is not None


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
    return {
        "quarter": _quarter,
        "month by name": _full_year,
        "ISO 8601": _with_colons,
        "basic ISO 8601": _extended,
        "ISO week": _iso_week,
    }.get(told, same)


def _quarter(text: str) -> str:
    """`Q1'00`, `1. Quartal 2000`, `2000K1` as `2000Q1`."""
    digits = re.findall(r"\d+", text)
    year, number = (digits[0], digits[1]) if len(digits[0]) == 4 else (century(digits[1]), digits[0])
    return f"{year}Q{number}"


def _full_year(text: str) -> str:
    """`Jan-90` and `5-Jan-90` with all digits of the year, in English."""
    english = re.sub(r"^([A-Za-z]+)/", r"\1 ", in_english(text))
    return re.sub(r"(?<=[A-Za-z.])[ /-](\d{2})$", lambda match: f" {century(match[1])}", english)


_MARKED = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})[_-](\d{2})[:._-]?(\d{2})(?:[:._-]?(\d{2}))?(.*)", re.ASCII)


def _with_colons(text: str) -> str:
    """`2024-05-01_13-30` with a space and colons."""
    match = _MARKED.fullmatch(text)
    return text if match is None else f"{match[1]} {match[2]}:{match[3]}:{match[4] or '00'}{match[5]}"


def _extended(text: str) -> str:
    """`20240501T133000Z` with dashes and colons."""
    digits = text[9:].replace(":", "")
    second = digits[4:] if digits[4:6].isdecimal() else f"00{digits[4:]}"
    return f"{text[:4]}-{text[4:6]}-{text[6:8]} {digits[:2]}:{digits[2:4]}:{second}"


_LOOSE_WEEK = ascii_pattern(r"(\d{4})[-/ ]?K?W ?(\d{1,2})(?:-([1-7]))?")


def _iso_week(text: str) -> str:
    """`2024w5`, `2024 W5`, `2024/KW05` as `2024-W05`."""
    match = _LOOSE_WEEK.fullmatch(text)
    return text if match is None else f"{match[1]}-W{int(match[2]):02d}{f'-{match[3]}' if match[3] else ''}"


def century(year: str) -> str:
    """A year of two digits with all four."""
    return year if len(year) == 4 else f"{'19' if int(year) >= 69 else '20'}{year}"


def _form_of_numbers(cells: Sequence[str]) -> TimeForm | None:
    if all(cell.endswith(".0") for cell in cells) and {len(cell) for cell in cells} == {6}:
        whole = _form_of_numbers([cell[:4] for cell in cells])
        return whole and whole._replace(pattern=NUMBER, iso=_without_zero) if whole and whole.told == "year" else None
    widths = {len(cell) for cell in cells}
    if len(widths) == 1 and all(DIGITS.fullmatch(cell) for cell in cells):
        told = {4: "year", 6: "Ym", 8: "Ymd", 12: "YmdHM", 14: "YmdHMS"}.get(widths.pop(), "")
        if told and _all_read(cells):
            return TimeForm(told, DIGITS, same)
    units = {next(unit for limit, unit in EPOCH_UNITS if abs(float(cell)) < limit) for cell in cells}
    if len(units) != 1:
        return None
    return TimeForm(f"{units.pop()} since 1970", NUMBER, same)


def _without_zero(text: str) -> str:
    return text.removesuffix(".0")


def _week_of_six(text: str) -> str:
    """`202405` as `2024-W05`."""
    return f"{text[:4]}-W{text[4:]}"


WEEKS = TimeForm("ISO weeks as YYYYWW", ascii_pattern(r"(?:19|20)\d\d(?:0[1-9]|[1-4]\d|5[0-3])"), _week_of_six)
"""Of a column whose name says that it holds weeks."""


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


def named_form(text: str) -> TimeForm:
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
        date = f"{century(parts['y'])}-{int(parts['m']):02d}-{int(parts['d']):02d}"
        zone = match[6].strip()
        return f"{date}{after_date(match[5] or '')}{' ' if zone.isalpha() else ''}{zone}"

    return TimeForm(told or mark.join(order).replace("y", "Y"), SLASHED, iso)
