"""Fields of events as times: how each may be written, and which of them is likely to be the event's."""

import itertools
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pipeline.check.columns import Column, inside, is_numeric, last_name, type_of
from pipeline.check.facts import Facts
from pipeline.check.inventory import TIME_NAME
from pipeline.settings import Events
from pipeline.stamps import UNITS, USUAL_UNITS, StampError, Stamps

HOUR, DAY = 3600.0, 86_400.0  # seconds


_BEST_TIMES = (
    *("timestamp", "@timestamp", "event_time", "eventtime", "time", "ts", "datetime", "timeunixnano", "date", "t"),
    *("last_updated", "last_changed", "ts_ms"),
)
_WORST_TIMES = re.compile(
    r"(created|ingest|process|receiv|start|begin|expir|arriv|depart|predict|expect|source\.|before\.|schema)",
    re.IGNORECASE,
)
_PATTERNS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d.%m.%Y"),
    *("%d/%m/%y %H:%M:%S", "%d/%m/%y %H:%M", "%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%d.%m.%y %H:%M", "%d.%m.%y"),
    *("%y%m%d%H%M%S", "%y%m%d%H%M", "%d%m%Y", "%m%d%Y"),
    *("%Y%m%d%H", "%Y%j", "%Y-%m-%d-%H.%M.%S.%f", "%d%b%Y:%H:%M:%S", "%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y"),
)
_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p", "%H%M%S", "%H%M")
FAR = 20 * 365.25 * 24 * HOUR
NEAR = 400 * 24 * HOUR
"""Numbers in a unit that few topics have are believed no further from their records."""


class TimeField(NamedTuple):
    """A column as times.

    Attributes
    ----------
    share
        How many of its values are times.
    behind
        Seconds from each time to its record's own.
    """

    column: Column
    format: str
    share: float
    behind: tuple[float, ...]

    @property
    def distance(self) -> float:
        """Seconds between the times and their records' own, the median; `FAR` where these have none."""
        return abs(statistics.median(self.behind)) if self.behind else FAR

    @property
    def is_likely(self) -> bool:
        """Whether they may be meant: dates that are written out are believed, numbers only near their records.

        So are numbers that lie before their records, but not those far ahead.
        """
        if not is_numeric(self.column):
            return True
        farthest = FAR if self.format in ("auto", *USUAL_UNITS) or "%" in self.format else NEAR
        return self.distance <= farthest and not (self.behind and statistics.median(self.behind) < -NEAR)


def time_paths(found: Facts, events: Events) -> set[str]:
    """Fields that hold times."""
    return {read.column.path for read in all_times(found.columns, events, found)}


def all_times(columns: Mapping[str, Column], events: Events, found: Facts) -> list[TimeField]:
    each = [one for column in columns.values() if (one := _as_times(column, events, found)) is not None]
    of_arrays = _arrays_of(one.column.path for one in each)
    return [one for one in each if _array(one.column.path) not in of_arrays]


def time_arrays(found: Facts, events: Events) -> set[str]:
    """Arrays that hold a time in each place: for as many numbers, which lie elsewhere."""
    columns = {path: column for path, column in found.columns.items() if path.endswith("]")}
    return _arrays_of(
        one.column.path for column in columns.values() if (one := _as_times(column, events, found)) is not None
    )


def _arrays_of(paths: Iterable[str]) -> set[str]:
    """Arrays with a name of which several places are meant."""
    counts = Counter(_array(path) for path in paths)
    return {array for array, count in counts.items() if array and count > 1}


def _array(path: str) -> str:
    return _PLACE.sub("", path) if path.endswith("]") else ""


_PLACE = re.compile(r"\[\d+\]$")


def _as_times(column: Column, events: Events, found: Facts) -> TimeField | None:
    """A field that holds times, if its values are such that nothing else is likely."""
    if len(column.values) < 0.6 * found.count or type_of(next(iter(column.values.values()))) in ("boolean", "null"):
        return None
    is_named = TIME_NAME.search(column.path) is not None
    is_sure = is_named or not is_numeric(column)  # a date that is written out is one, whatever its field is called
    read = best_format(column, events, found, patterns=is_sure)
    if read is None or (read.format != "auto" and not is_sure):
        return None
    return read if is_sure or read.distance < 400 * 24 * HOUR else None


def best_format(column: Column, events: Events, found: Facts, patterns: bool = True) -> TimeField | None:
    formats = ["auto", *(UNITS if is_numeric(column) else ()), *(_PATTERNS if patterns else ())]
    read = [read_times(column, each, events, found) for each in formats]
    good = [one for one in read if one.share > 0.9 and one.is_likely]
    if good and good[0].format == "auto":
        return good[0]
    return min(good, key=lambda one: (-round(one.share, 2), one.distance)) if good else None


def read_times(column: Column, written: str, events: Events, found: Facts) -> TimeField:
    """Read a column as times of this format, as long as hardly one of them is none."""
    stamps, good, bad, behind = Stamps(written, events.timezone), 0, 0, []
    values = list(itertools.islice(column.values.items(), 300))
    for number, value in values:
        own = found.places[number].record.timestamp
        try:
            stamp = stamps.read(value, own * 1000 if own >= 0 else None)
        except StampError:
            bad += 1
            if 10 * bad > len(values):
                break
            continue
        good += 1
        if own >= 0:
            both = (stamp.time, stamp.time if stamp.later is None else stamp.later)
            behind.append(min((own / 1000 - time / 1e6 for time in both), key=abs))
    return TimeField(column, written, good / max(len(values), 1), tuple(behind))


def rank(read: TimeField, found: Facts) -> tuple[object, ...]:
    last = read.column.path.rpartition(".")[2].lower()
    best = _BEST_TIMES.index(last) if last in _BEST_TIMES else len(_BEST_TIMES)
    is_constant = len(read.column.texts()) == 1 and len(read.column.values) > 1
    is_worst = _WORST_TIMES.search(read.column.path) is not None
    return (
        is_constant,
        is_worst,
        read.column.path not in found.own,
        not TIME_NAME.search(read.column.path),
        best,
        read.distance,
    )


def described(read: TimeField) -> str:
    text = f"`{read.column.path}` holds times such as {read.column.example()}"
    return f"{text}, {span(statistics.median(read.behind))} the records' own" if read.behind else text


def span(seconds: float) -> str:
    """A distance in time in words, before or behind."""
    size, side = abs(seconds), "before" if seconds >= 0 else "ahead of"
    for unit, length in (("days", 24 * HOUR), ("h", HOUR), ("min", 60.0), ("s", 1.0)):
        if size >= 2 * length or (unit == "s" and size >= 0.05):
            return f"{size / length:.3g} {unit} {side}"
    return "close to"


FINE = (False, False)
"""The first two of a rank: neither constant, nor of something else than the event."""


def with_clock(date: TimeField, events: Events, found: Facts) -> TimeField | None:
    """The times that dates make with the time of day in another field; None if they have one, or there is none."""
    if any(":" in text or len(text) > LONGEST_DAY for text in map(str, date.column.values.values())):
        return None
    for path, column in inside(found.columns).items():
        texts = [value for value in column.values.values() if isinstance(value, str)]
        if len(texts) < 0.9 * found.count or not all(map(_CLOCK.fullmatch, texts)) or len(set(texts)) == 1:
            continue
        joined = f"{{{date.column.path}}} {{{path}}}"
        both = Column(joined, found.look(joined))
        days = ("%Y%m%d", "%Y-%m-%d") if date.format == "auto" else (date.format,)
        formats = ["auto"] * (date.format == "auto") + [f"{day} {clock}" for day in days for clock in _CLOCKS]
        read = [one for each in formats if (one := read_times(both, each, events, found)).share > 0.9]
        if read:
            return read[0]
    return None


LONGEST_DAY = 11
"""Characters of a date without a time of day."""
_CLOCK = re.compile(
    r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?|([01]\d|2[0-3])[0-5]\d([0-5]\d)?", re.ASCII
)


def of_parts(found: Facts, events: Events) -> TimeField | None:
    """The times that year, month, day and more make in fields of their own; None where there are no such fields."""
    numbers = {path: column for path, column in inside(found.columns).items() if is_numeric(column)}
    paths = {
        last_name(path).lower(): path for path, column in numbers.items() if 10 * len(column.values) > 9 * found.count
    }
    for names, form in _PARTS:
        if set(names) <= paths.keys() and names[-1] == max(paths.keys() & set(_FINER), key=_FINER.index):
            joined = " ".join(f"{{{paths[name]}}}" for name in names)
            read = read_times(Column(joined, found.look(joined)), form, events, found)
            return read if read.share > 0.9 else None
    return None


_FINER = ("year", "month", "day", "doy", "hour", "minute")
_PARTS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("year", "month", "day", "hour", "minute"), "%Y %m %d %H %M"),
    (("year", "month", "day", "hour"), "%Y %m %d %H"),
    (("year", "doy", "hour"), "%Y %j %H"),
    (("year", "month", "day"), "%Y %m %d"),
    (("year", "doy"), "%Y %j"),
    (("year", "month"), "%Y %m"),
)
"""Which fields make a time, and how, the finest first."""
