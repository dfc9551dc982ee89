"""Time stamps: how what an event or a file calls a time becomes microseconds since the epoch, UTC.

A stamp is a date written out, or a bare number. What a number means its size tells, unless `format` says it; a date
without a zone is of `timezone`.
"""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

import msgspec

from pipeline.json_text import LONGEST_NUMBER
from pipeline.messages import iso8601

EPOCH = datetime(1970, 1, 1)
EPOCH_UTC = EPOCH.replace(tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_TIME = (datetime.min - EPOCH) // MICROSECOND
LAST_TIME = (datetime.max - EPOCH) // MICROSECOND

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000  # microseconds
UNITS: Mapping[str, float] = MappingProxyType({"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3, "days": float(DAY)})
"""What `format` may name: microseconds that each unit has."""

FIRST_PLAUSIBLE = (datetime(1980, 1, 1) - EPOCH) // MICROSECOND
FARTHEST = 20 * 365 * DAY + 5 * DAY  # from the record's own time, of a bare number: 20 years
LONGEST_DATE = 100  # characters


class StampError(ValueError):
    """A stamp that cannot be read.

    Attributes
    ----------
    reason
        Of a dead letter: bad_timestamp, ambiguous_timestamp, implausible_timestamp, negative_timestamp or
        timestamp_out_of_range.
    detail
        What was found, and the setting that reads it if there is one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Stamp(msgspec.Struct, frozen=True, gc=False):
    """A time that was read.

    Attributes
    ----------
    time
        Microseconds since the epoch, UTC.
    later
        In the hour that autumn repeats: the second reading. `RepeatedHour` chooses. Else None.
    is_date
        Whether a date was written out; False: a bare number.
    """

    time: int
    later: int | None = None
    is_date: bool = True


class Stamps(msgspec.Struct, frozen=True):
    """Reads time stamps.

    Attributes
    ----------
    format
        ``auto``: dates year first or with the month's name, and numbers by their size; a unit of `UNITS` since the
        epoch; or a pattern of `datetime.strptime`, which holds a ``%``.
    timezone
        Of dates that name none, such as ``Europe/Berlin``.

    Raises
    ------
    ValueError
        The format or the zone is unknown; the message says the fix.

    Examples
    --------
    >>> Stamps().read("2026-01-31T12:00:00Z").time
    1769860800000000
    >>> Stamps("ms").read(1769860800000).time, Stamps("%d/%m/%Y").read("31/01/2026").time
    (1769860800000000, 1769817600000000)
    """

    format: str = "auto"
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        check_format(self.format)
        zone(self.timezone)

    def read(self, found: object, near: int | None = None) -> Stamp:
        """Read a stamp: text, a number, or what MongoDB and Java write.

        Parameters
        ----------
        found
            As JSON gives it.
        near
            The record's own time, microseconds. A bare number that `auto` reads more than 20 years away from it is
            refused.

        Raises
        ------
        StampError
            It is no time, or may be several, or an unlikely one.
        """
        if self.format == "auto":
            stamp = _usual(found) or _auto(found, self.timezone, near)
        elif self.format in UNITS:
            stamp = _of_unit(found, self.format)
        else:
            stamp = _by_pattern(found, self.format, self.timezone)
        if FIRST_TIME <= stamp.time <= LAST_TIME:
            return stamp
        raise StampError("timestamp_out_of_range", f"found {shown(found)}")

    def write(self, time: int) -> str | int | float:
        """Write a time so that `read` finds it, as exactly as the format allows."""
        if self.format == "auto":
            return iso8601(time)
        if self.format in UNITS:
            number = time * 1000 if self.format == "ns" else time / UNITS[self.format]
            return int(number) if number == int(number) else number
        moment = EPOCH_UTC + timedelta(microseconds=time)
        return moment.astimezone(zone(self.timezone)).strftime(self.format)


class RepeatedHour:
    """Keeps the two passes of the hour that autumn repeats apart, by the order in which a series' stamps come.

    A stamp of that hour is of the first pass, unless the series has a stamp of that hour at or after it already.

    Parameters
    ----------
    last
        What an earlier one dumped.

    Examples
    --------
    >>> stamps, hour = Stamps(timezone="Europe/Berlin"), RepeatedHour()
    >>> local = ["2026-10-25 02:00", "2026-10-25 02:30", "2026-10-25 02:00", "2026-10-25 02:30"]
    >>> [iso8601(hour.time("pump", stamps.read(each)))[11:16] for each in local]
    ['00:00', '00:30', '01:00', '01:30']
    """

    def __init__(self, last: Mapping[str, int] = MappingProxyType({})) -> None:
        self._last = dict(last)

    def time(self, series: str, stamp: Stamp) -> int:
        """Which reading of the stamp is meant."""
        return stamp.time if stamp.later is None else self.choose(series, stamp.time, stamp.later)

    def choose(self, series: str, first: int, later: int) -> int:
        """Which of the two times of a stamp in that hour is meant."""
        last = self._last.get(series)
        chosen = first if last is None or last < first else later
        self._last[series] = max(chosen, chosen if last is None else last)
        return chosen

    def dump(self) -> dict[str, int]:
        """The newest such time of each series that had one."""
        return dict(self._last)


def check_format(text: str) -> None:
    """Raise ValueError, with the fix, if it is no format."""
    if text == "auto" or text in UNITS:
        return
    known = f'"auto", {", ".join(json.dumps(unit) for unit in UNITS)}, or a pattern such as "%d/%m/%Y %H:%M"'
    if "%" not in text:
        raise ValueError(f"{json.dumps(text)} is no format of a time; expected {known}")
    if "%Z" in text:
        raise ValueError(
            f"{json.dumps(text)} reads a zone's name, which not every machine knows; write it out in letters"
        )
    sample = datetime(2026, 1, 31, 12, 30, 45, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(text), text)
    except (ValueError, re.error) as error:
        raise ValueError(f"{json.dumps(text)} is no pattern that can be read: {error}; expected {known}") from None
    if read.year != sample.year:
        raise ValueError(f"{json.dumps(text)} tells no year; a time needs one: %Y")


@lru_cache(maxsize=512)
def zone(name: str) -> tzinfo:
    """The time zone of that name; raises ValueError, with the fix, if there is none."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError(f'unknown time zone {json.dumps(name)}; expected one such as "Europe/Berlin"') from None


def numeric(text: str) -> int | float | None:
    """Read a numeric string; None if it is none."""
    if len(text) > LONGEST_NUMBER or _NUMBER.fullmatch(text) is None:
        return None
    return int(text) if text.isdigit() else float(text)


_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)


def shown(found: object) -> str:
    """Show a value in a few words: its JSON if it is short."""
    if isinstance(found, dict | list):
        return f"an {'object' if isinstance(found, dict) else 'array'} of {len(found)}"
    if isinstance(found, str) and len(found) > LONGEST_SHOWN:
        return f"{json.dumps(found[:40])}... of {len(found)} characters"
    return json.dumps(found)[:LONGEST_SHOWN]


LONGEST_SHOWN = 200  # characters


def _usual(found: object) -> Stamp | None:
    """The commonest form, ISO 8601 in UTC, read fast; None where it is another."""
    if type(found) is str and found[-1:] == "Z":
        try:
            since = datetime.fromisoformat(found[:-1]) - EPOCH
        except (ValueError, TypeError):  # no date, or one that has an offset before its Z
            return None
        return Stamp((since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds)
    return None


def _auto(found: object, timezone: str, near: int | None) -> Stamp:
    if type(found) is str:
        if found[4:5] == "-":
            try:
                return _of_moment(datetime.fromisoformat(found), timezone)
            except ValueError:
                return _of_text(found, timezone, near)
        return _of_text(found, timezone, near)
    if type(found) is int or type(found) is float:
        return _of_number(found, timezone, near)
    if type(found) is dict:
        return _of_object(found, timezone, near)
    if type(found) is list and 3 <= len(found) <= 7 and all(type(part) is int for part in found):
        return _of_parts(found, timezone)
    raise StampError("bad_timestamp", f"found {shown(found)}, expected a date or a number")


def _of_moment(moment: datetime, timezone: str) -> Stamp:
    if moment.tzinfo is not None:
        return Stamp(_since(moment - EPOCH_UTC))
    if timezone == "UTC":
        return Stamp(_since(moment - EPOCH))
    return _of_local(moment, zone(timezone))


def _since(passed: timedelta) -> int:
    return (passed.days * 86400 + passed.seconds) * 1_000_000 + passed.microseconds


def _of_local(moment: datetime, where: tzinfo) -> Stamp:
    """A time of the hour that autumn repeats has two readings; one that spring leaves out is taken as before it."""
    local = _since(moment - EPOCH)
    first, second = (moment.replace(tzinfo=where, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    return Stamp(local - _since(first), local - _since(second) if first > second else None)


def _of_number(number: float, timezone: str, near: int | None) -> Stamp:
    if type(number) is float and number.is_integer():
        number = int(number)
    if type(number) is int and not 10**9 <= number < 10**11:
        date = _of_digits(str(number), timezone)
        if date is not None:
            return date
    time = _by_size(number)
    is_far = near is not None and abs(time - near) > FARTHEST
    if (is_far or time < FIRST_PLAUSIBLE) and time <= LAST_TIME:
        raise StampError("implausible_timestamp", _implausible(number, time, near))
    return Stamp(time, is_date=False)


COMPACT = frozenset({4, 6, 8, 12, 14, 17})
"""Digits of a date without marks: year, month, day, hour and minute, second, millisecond.

Counted since the epoch such numbers would lie before 1980 or after 2286.
"""
LATEST_COMPACT = 3000  # a year
_COMPACT_PARTS = ((4, 1), (6, 1), (8, 0), (10, 0), (12, 0))  # where each begins, and what it is if it is left out


def _of_digits(digits: str, timezone: str) -> Stamp | None:
    """20260131 and its like; None where they are no date."""
    if len(digits) in (12, 14) and digits[8:] in ("2400", "240000"):
        return _after(_of_digits(f"{digits[:8]}235959", timezone), SECOND)
    if len(digits) not in COMPACT or digits[0] > "2" or not 1000 <= int(digits[:4]) < LATEST_COMPACT:
        return None
    month, day, hour, minute, second = (int(digits[at : at + 2] or least) for at, least in _COMPACT_PARTS)
    try:
        moment = datetime(int(digits[:4]), month, day, hour, minute, second, 1000 * int(digits[14:] or 0))
    except ValueError:
        return None
    return _of_moment(moment, timezone)


def _by_size(number: float) -> int:
    """Turn seconds, milliseconds, microseconds or nanoseconds into microseconds; which it is the size tells.

    Below 1e11 they are seconds (up to the year 5138), then come milliseconds (from 1973), and so on.
    """
    if number < 0:
        raise StampError("negative_timestamp", f"found {shown(number)}")
    if number < 1e11:
        return number * 1_000_000 if type(number) is int else round(number * 1e6)
    if number < 1e14:
        return number * 1000 if type(number) is int else round(number * 1e3)
    if number < 1e17:
        return int(number)
    if number < 1e21:
        return int(number) // 1000
    raise StampError("timestamp_out_of_range", f"found {shown(number)}")  # NaN comes here, too


def _implausible(number: float, time: int, near: int | None) -> str:
    what = f"found {shown(number)}, which by its size is {_readable(time)}"
    what += "" if near is None else f", and the record is of {_readable(near)}"
    fitting = [unit for unit in UNITS if _is_likely(number, unit, near)]
    if fitting:
        return f"{what}; set events.timestamp_format = {json.dumps(fitting[0])}"
    units = ", ".join(json.dumps(unit) for unit in UNITS)
    return f"{what}; set events.timestamp_format to its unit ({units}), or to its pattern, such as %Y%m%d%H"


def _readable(time: int) -> str:
    return iso8601(time) if FIRST_TIME <= time <= LAST_TIME else "beyond the year 9999"


def _is_likely(number: float, unit: str, near: int | None) -> bool:
    time = number * UNITS[unit]
    if near is None:
        return FIRST_PLAUSIBLE <= time <= FIRST_PLAUSIBLE + 4 * FARTHEST
    return abs(time - near) <= FARTHEST


def _of_object(found: Mapping[str, object], timezone: str, near: int | None) -> Stamp:
    """MongoDB's ``{"$date": ..}``, whose numbers are milliseconds."""
    date = found.get("$date") if len(found) == 1 else None
    if type(date) is dict and len(date) == 1:
        date = date.get("$numberLong")
    if type(date) is str and numeric(date) is None:
        return _auto(date, timezone, near)
    if date is None:
        raise StampError("bad_timestamp", f'found {shown(found)}, expected a date, a number or {{"$date": ..}}')
    return _of_unit(date, "ms")


def _of_parts(parts: list[int], timezone: str) -> Stamp:
    """Java's ``[2026, 1, 31, 12, 0, 0, 0]``: the last are nanoseconds."""
    *rest, nanoseconds = [*parts, *[0] * (7 - len(parts))]
    try:
        year, month, day, hour, minute, second = rest
        moment = datetime(year, month, day, hour, minute, second, nanoseconds // 1000)
    except (ValueError, OverflowError):
        raise StampError("bad_timestamp", f"found {json.dumps(parts)[:LONGEST_SHOWN]}, which is no date") from None
    return _of_moment(moment, timezone)


def _of_unit(found: object, unit: str) -> Stamp:
    number = numeric(found) if type(found) is str else found
    if type(number) is int:
        factor = UNITS[unit]
        return Stamp(number // 1000 if factor < 1 else number * int(factor), is_date=False)
    if type(number) is float:
        if math.isfinite(number):
            return Stamp(round(number * UNITS[unit]), is_date=False)
        raise StampError("timestamp_out_of_range", f"found {shown(number)}")
    raise StampError("bad_timestamp", f"found {shown(found)}, expected {unit} since the epoch, a number")


def _by_pattern(found: object, pattern: str, timezone: str) -> Stamp:
    if type(found) is float and found.is_integer():
        found = int(found)
    text = str(found) if type(found) is int and abs(found) < 10**30 else found
    if type(text) is not str:
        raise StampError("bad_timestamp", f"found {shown(found)}, expected text such as {_example(pattern)}")
    try:
        return _of_moment(datetime.strptime(text.strip(), pattern), timezone)
    except ValueError:
        stamp = _of_midnight(text.strip(), pattern, timezone)
        if stamp is not None:
            return stamp
        raise StampError("bad_timestamp", f"found {shown(found)}, expected text such as {_example(pattern)}") from None


def _of_midnight(text: str, pattern: str, timezone: str) -> Stamp | None:
    """A time that ends in 24:00 as the pattern writes it, which is the next day's 0:00; None where it does not."""
    date, hour, clock = pattern.partition("%H")
    midnight = "24" + datetime(2000, 1, 1).strftime(clock)
    if not hour or "%" in re.sub("%[MSf]", "", clock) or not text.endswith(midnight):
        return None
    last = datetime(2000, 1, 1, 23, 59, 59).strftime(hour + clock.replace("%f", "0"))
    passed = SECOND if "%S" in clock else MINUTE if "%M" in clock else HOUR
    try:
        moment = datetime.strptime(text[: -len(midnight)] + last, date + hour + clock)
    except ValueError:
        return None
    return _after(_of_moment(moment, timezone), passed)


def _after(stamp: Stamp | None, passed: int) -> Stamp | None:
    """The time so many microseconds later."""
    if stamp is None:
        return None
    return Stamp(stamp.time + passed, None if stamp.later is None else stamp.later + passed, stamp.is_date)


def _example(pattern: str) -> str:
    return json.dumps(datetime(2026, 1, 31, 12, tzinfo=UTC).strftime(pattern))


def _of_text(text: str, timezone: str, near: int | None) -> Stamp:
    number = numeric(text)
    if number is not None:
        return _of_number(number, timezone, near)
    stripped = text.strip()
    if 0 < len(stripped) <= LONGEST_DATE:
        stamp = _of_written(stripped, timezone)
        if stamp is not None:
            return stamp
        _refuse_ambiguous(stripped)
    raise StampError("bad_timestamp", f"found {shown(text)}, expected ISO 8601 text; or set events.timestamp_format")


_MIDNIGHT = re.compile(r"(?<![\d:])24:00(?::00(?:[.,]0+)?)?(?![\d:])")
"""ISO 8601: the end of a day, which is the next day's 0:00."""


def _of_written(text: str, timezone: str) -> Stamp | None:
    if _MIDNIGHT.search(text):  # a second later than the day's last one, whatever clocks do in that night
        return _after(_of_written(_MIDNIGHT.sub("23:59:59", text), timezone), SECOND)
    return _of_iso(text, timezone) or _of_date_and_zone(text, timezone)


def _of_iso(text: str, timezone: str) -> Stamp | None:
    try:
        return _of_moment(datetime.fromisoformat(text), timezone)
    except ValueError:
        return None


_IN_BRACKETS = re.compile(r"(.*?)\s*\[([\w/+-]+)\]", re.ASCII)
_OFFSET = re.compile(r"(.*?\d{4}.*?)\s*(?:UTC|GMT)?\s*([+-]\d{2}):?(\d{2})(?:\s*(?:\(.*\)|[A-Z]{2,5}))?", re.ASCII)
_NAMED_ZONE = re.compile(r"(.*?\d)\s*((?:[A-Za-z]+/[\w/+-]+)|Z|z|UT|[A-Z]{3,5})", re.ASCII)
_ZONE_AMID = re.compile(r"(.*\d:\d{2}(?::\d{2})?)\s+([A-Z]{3,5})\s+(\d{4})", re.ASCII)


def _of_date_and_zone(text: str, timezone: str) -> Stamp | None:
    bracketed = _IN_BRACKETS.fullmatch(text)
    if bracketed:  # RFC 9557: an offset, if there is one, wins
        body, name = bracketed.groups()
        return _of_iso(body, name) or _of_date_and_zone(body, name) if _is_zone(name) else None
    moment = _date(text)
    if moment is not None:
        return _of_moment(moment, timezone)
    offset = _OFFSET.fullmatch(text)
    if offset and ":" in offset[1]:
        moment = _date(offset[1])
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[2][0] + offset[3]))
        return None if moment is None else Stamp(_since(moment - EPOCH) - _since(ahead))
    amid = _ZONE_AMID.fullmatch(text)  # Sat Jan 31 13:00:00 CET 2026, as Java and `date` write it
    if amid:
        return _of_date_and_zone(f"{amid[1]} {amid[3]} {amid[2]}", timezone)
    named = _NAMED_ZONE.fullmatch(text)
    moment = _date(named[1]) if named else None
    if named is None or moment is None:
        return None
    if named[2] in ("Z", "z", "UT", "GMT", "UTC"):
        return _of_moment(moment, "UTC")
    if "/" in named[2]:
        return _of_moment(moment, named[2]) if _is_zone(named[2]) else None
    return _of_abbreviation(moment, named[2], timezone)


def _of_abbreviation(moment: datetime, name: str, timezone: str) -> Stamp:
    """CET, EDT: of the zone that the settings name, or where the abbreviation is itself a zone's name."""
    name = _GERMAN.get(name, name)
    offset = _offset(moment, name, timezone, (0, 1, 7)) or (
        _offset(moment, name, name, (0,)) if _is_zone(name) else None
    )
    if offset is not None:
        return Stamp(_since(moment - EPOCH) - _since(offset))
    example = ZONES.get(name, "Europe/Berlin")
    raise StampError(
        "ambiguous_timestamp" if name in ZONES else "bad_timestamp",
        f"found {shown(f'{moment:%Y-%m-%d %H:%M:%S} {name}')}, and `{name}` is not the name of one zone alone; set"
        f' events.timezone to the zone of which it is, such as "{example}", or write an offset such as +02:00',
    )


def _offset(moment: datetime, name: str, timezone: str, months: tuple[int, ...]) -> timedelta | None:
    """How far ahead of UTC a zone is under that abbreviation, at that time (0) or else in one of these months."""
    for month in months:
        day = moment.replace(month=month, day=1) if month else moment
        for fold in (0, 1):
            local = day.replace(tzinfo=zone(timezone), fold=fold)
            if local.tzname() == name:
                return local.utcoffset()
    return None


_GERMAN: Mapping[str, str] = MappingProxyType({"MEZ": "CET", "MESZ": "CEST"})
ZONES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("CEST", "CET"), "Europe/Berlin"),
        **dict.fromkeys(("BST",), "Europe/London"),
        **dict.fromkeys(("EET", "EEST"), "Europe/Helsinki"),
        **dict.fromkeys(("EST", "EDT"), "America/New_York"),
        **dict.fromkeys(("CST", "CDT"), "America/Chicago"),
        **dict.fromkeys(("MST", "MDT"), "America/Denver"),
        **dict.fromkeys(("PST", "PDT"), "America/Los_Angeles"),
        **dict.fromkeys(("AEST", "AEDT"), "Australia/Sydney"),
        **dict.fromkeys(("NZST", "NZDT"), "Pacific/Auckland"),
        "IST": "Asia/Kolkata",
        "JST": "Asia/Tokyo",
        "KST": "Asia/Seoul",
    }
)
"""A zone that each abbreviation may mean, for the words of a refusal: none is read by it."""


def _is_zone(name: str) -> bool:
    try:
        zone(name)
    except ValueError:
        return False
    return True


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


def _date(text: str) -> datetime | None:
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


_DAY_OR_MONTH = re.compile(
    r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?:([T ,]+)(\d{1,2}:\d{2}(:\d{2})?)(.*))?", re.ASCII
)


def _refuse_ambiguous(text: str) -> None:
    """03/04/2026: one record can't tell which is the month, so none may."""
    match = _DAY_OR_MONTH.fullmatch(text)
    if match is None:
        return
    first, mark, second, year, gap, clock, seconds, rest = match.groups()
    orders = [order for order, month in (("%d{0}%m{0}", second), ("%m{0}%d{0}", first)) if 1 <= int(month) <= 12]
    ending = "%Y" if len(year) == 4 else "%y"
    if clock:
        half = rest.strip()[:1].upper() in ("A", "P")
        ending += gap + ("%I:%M" if half else "%H:%M") + (":%S" if seconds else "") + (" %p" if half else "")
    formats = " or ".join(json.dumps(order.format(mark) + ending) for order in orders)
    if formats:
        raise StampError(
            "ambiguous_timestamp", f"found {shown(text)}, day or month first; set events.timestamp_format = {formats}"
        )
