"""Text as a time: ISO 8601 and its relatives, with offsets and the names of zones."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from pipeline.stamps.dates import written_date
from pipeline.stamps.numbers import of_number
from pipeline.stamps.stamp import (
    EPOCH,
    SECOND,
    Stamp,
    StampError,
    after,
    is_zone,
    numeric,
    of_moment,
    shown,
    since,
    zone,
)

LONGEST_DATE = 100  # characters


def of_text(text: str, timezone: str, near: int | None) -> Stamp:
    """The time that a text is: a number or a date."""
    number = numeric(text)
    if number is not None:
        return of_number(number, timezone, near)
    stripped = _GO_MONOTONIC.sub("", text.strip())
    if 0 < len(stripped) <= LONGEST_DATE:
        stamp = _of_written(stripped, timezone)
        if stamp is not None:
            return stamp
        _refuse_ambiguous(stripped)
    raise StampError("bad_timestamp", f"found {shown(text)}, {_expected(stripped)}")


_GO_MONOTONIC = re.compile(r" m=[+-][\d.]+$", re.ASCII)
"""Go's `time.String` writes its monotonic clock behind the time."""


def _expected(text: str) -> str:
    """What to do about a text that is no time."""
    if _CLOCK.fullmatch(text):
        return 'a time of day without its date; name both, such as events.timestamp = "{date} {time}"'
    if _WITHOUT_YEAR.fullmatch(text):
        return "which tells no year, and no setting adds one; let the producer write it, or name another field"
    if _INTERVAL.fullmatch(text):
        return "an interval of two times; name the field of one time, as no setting reads an interval"
    return "expected ISO 8601 text; or set events.timestamp_format"


_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?", re.ASCII)
_WITHOUT_YEAR = re.compile(r"([A-Z][a-z]{2,8}\.? +\d{1,2}|\d{1,2}[./-]\d{1,2}\.?) +\d{1,2}:\d{2}.*", re.ASCII)
_INTERVAL = re.compile(r"\d{4}-\d{2}-\d{2}[^/]*/(\d{4}-\d{2}-\d{2}.*|P.+)", re.ASCII)


_MIDNIGHT = re.compile(r"(?<![\d:])24:00(?::00(?:[.,]0+)?)?(?![\d:])")
"""ISO 8601: the end of a day, which is the next day's 0:00."""


def _of_written(text: str, timezone: str) -> Stamp | None:
    if _MIDNIGHT.search(text):  # a second later than the day's last one, whatever clocks do in that night
        return after(_of_written(_MIDNIGHT.sub("23:59:59", text), timezone), SECOND)
    counted = _OF_MILLISECONDS.fullmatch(text)
    if counted:
        return Stamp(int(counted[1]) * 1000)
    return _of_iso(text, timezone) or _of_date_and_zone(text, timezone)


_OF_MILLISECONDS = re.compile(r"/?Date\((-?\d{1,18})(?:[+-]\d{4})?\)/?", re.ASCII)
"""``/Date(1769860800000)/``, as Microsoft's serializers write JSON. An offset tells of the producer's zone alone."""


def _of_iso(text: str, timezone: str) -> Stamp | None:
    try:
        return of_moment(datetime.fromisoformat(text), timezone)
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
        return _of_iso(body, name) or _of_date_and_zone(body, name) if is_zone(name) else None
    moment = written_date(text)
    if moment is not None:
        return of_moment(moment, timezone)
    offset = _OFFSET.fullmatch(text)
    if offset and ":" in offset[1]:
        moment = written_date(offset[1])
        ahead = timedelta(hours=int(offset[2]), minutes=int(offset[2][0] + offset[3]))
        return None if moment is None else Stamp(since(moment - EPOCH) - since(ahead))
    amid = _ZONE_AMID.fullmatch(text)  # Sat Jan 31 13:00:00 CET 2026, as Java and `date` write it
    if amid:
        return _of_date_and_zone(f"{amid[1]} {amid[3]} {amid[2]}", timezone)
    named = _NAMED_ZONE.fullmatch(text)
    moment = written_date(named[1]) if named else None
    if named is None or moment is None:
        return None
    if named[2] in ("Z", "z", "UT", "GMT", "UTC"):
        return of_moment(moment, "UTC")
    if "/" in named[2]:
        return of_moment(moment, named[2]) if is_zone(named[2]) else None
    return _of_abbreviation(moment, named[2], timezone)


def _of_abbreviation(moment: datetime, name: str, timezone: str) -> Stamp:
    """CET, EDT: of the zone that the settings name, or where the abbreviation is itself a zone's name."""
    name = _GERMAN.get(name, name)
    offset = _offset(moment, name, timezone, (0, 1, 7)) or (
        _offset(moment, name, name, (0,)) if is_zone(name) else None
    )
    if offset is not None:
        return Stamp(since(moment - EPOCH) - since(offset))
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
