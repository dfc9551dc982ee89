"""Which fields of events hold times, how they are written, and of which zone they are."""

import math
import re
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import structs

from pipeline.check.columns import Column, inside, is_numeric, type_of
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.check.inventory import TIME_NAME
from pipeline.settings import Events
from pipeline.stamps import UNITS, USUAL_UNITS, StampError, Stamps, zone

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
    *("%Y%m%d%H", "%Y%j", "%Y-%m-%d-%H.%M.%S.%f", "%d%b%Y:%H:%M:%S", "%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y"),
)
_CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
FAR = 20 * 365.25 * 24 * HOUR
NEAR = 400 * 24 * HOUR
"""Numbers in a unit that few topics have are believed no further from their records."""


class _Times(NamedTuple):
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
        """Whether they may be meant: dates that are written out are believed, numbers only near their records."""
        farthest = FAR if self.format in ("auto", *USUAL_UNITS) or "%" in self.format else NEAR
        return self.distance <= farthest or not is_numeric(self.column)


def timestamp(draft: Draft, found: Facts) -> Draft:
    """The field of the time, and how it is written."""
    events = draft.events
    now = Column(events.timestamp, _known(events.timestamp, found))
    likely = _all_times(inside(found.columns), events, found) or _all_times(found.columns, events, found)
    others = [one for one in likely if one.column.path != events.timestamp and found.look(one.column.path)]
    if 2 * len(now.values) > found.count:
        return _written(draft, now, others, found)
    if not others:
        return draft
    best = min(others, key=lambda one: _time_rank(one, found))
    return _named(draft, _with_clock(best, events, found) or best, f"`{events.timestamp}` is nowhere")


def _named(draft: Draft, best: _Times, why: str) -> Draft:
    path = best.column.path
    draft = draft.change("timestamp", path, f"{why}; {_described(best)}")
    if best.format == draft.events.timestamp_format:
        return draft
    return draft.change("timestamp_format", best.format, f"so `{path}` is written")


def _written(draft: Draft, column: Column, others: list[_Times], found: Facts) -> Draft:
    """How the times at the right place are written; or another field, if these cannot be read or are of the record."""
    events = draft.events
    read = _times(column, events.timestamp_format, events, found)
    best = read if read.share > 0.9 and read.is_likely else _best_format(column, events, found)
    own = [one for one in others if one.column.path in found.own and _time_rank(one, found)[:2] == FINE]
    if events.points and own and not found.is_in_elements(events.timestamp):
        best_one = min(own, key=lambda one: _time_rank(one, found))
        return _named(
            draft, best_one, f"`{events.timestamp}` is of the whole record, and each of its events has a time"
        )
    if best is None and others:
        other = min(others, key=lambda one: _time_rank(one, found))
        return _named(draft, other, f"`{events.timestamp}` cannot be read as a time: {column.example()}")
    if best is None:
        return draft
    whole = _with_clock(best, events, found)
    if whole is not None:
        return _named(draft, whole, f"`{events.timestamp}` is a date alone")
    return (
        draft
        if best.format == events.timestamp_format
        else draft.change("timestamp_format", best.format, _described(best))
    )


def _with_clock(date: _Times, events: Events, found: Facts) -> _Times | None:
    """The times that dates make with the time of day in another field; None if they have one, or there is none."""
    if any(":" in text or not isinstance(text, str) for text in map(_shown, date.column.values.values())):
        return None
    for path, column in inside(found.columns).items():
        texts = [value for value in column.values.values() if isinstance(value, str)]
        if len(texts) < 0.9 * found.count or not all(map(_CLOCK.fullmatch, texts)) or len(set(texts)) == 1:
            continue
        joined = f"{{{date.column.path}}} {{{path}}}"
        both = Column(joined, found.look(joined))
        formats = ["auto"] if date.format == "auto" else [f"{date.format} {clock}" for clock in _CLOCKS]
        read = [one for each in formats if (one := _times(both, each, events, found)).share > 0.9]
        if read:
            return read[0]
    return None


def _shown(value: object) -> str:
    return value if isinstance(value, str) else ":"


_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[AaPp]\.?[Mm]\.?)?", re.ASCII)


def _known(text: str, found: Facts) -> dict[int, object]:
    return {number: value for number, value in found.look(text).items() if value is not None}


def _all_times(columns: Mapping[str, Column], events: Events, found: Facts) -> list[_Times]:
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


def _as_times(column: Column, events: Events, found: Facts) -> _Times | None:
    """A field that holds times, if its values are such that nothing else is likely."""
    if len(column.values) < 0.6 * found.count or type_of(next(iter(column.values.values()))) in ("boolean", "null"):
        return None
    is_named = TIME_NAME.search(column.path) is not None
    is_sure = is_named or not is_numeric(column)  # a date that is written out is one, whatever its field is called
    read = _best_format(column, events, found, patterns=is_sure)
    if read is None or (read.format != "auto" and not is_sure):
        return None
    return read if is_sure or read.distance < 400 * 24 * HOUR else None


def _best_format(column: Column, events: Events, found: Facts, patterns: bool = True) -> _Times | None:
    formats = ["auto", *(UNITS if is_numeric(column) else ()), *(_PATTERNS if patterns else ())]
    read = [_times(column, each, events, found) for each in formats]
    good = [one for one in read if one.share > 0.9 and one.is_likely]
    if good and good[0].format == "auto":
        return good[0]
    return min(good, key=lambda one: (-round(one.share, 2), one.distance)) if good else None


def _times(column: Column, written: str, events: Events, found: Facts) -> _Times:
    stamps, good, behind = Stamps(written, events.timezone), 0, []
    values = list(column.values.items())[:300]
    for number, value in values:
        own = found.places[number].record.timestamp
        try:
            stamp = stamps.read(value, own * 1000 if own >= 0 else None)
        except StampError:
            continue
        good += 1
        if own >= 0:
            both = (stamp.time, stamp.time if stamp.later is None else stamp.later)
            behind.append(min((own / 1000 - time / 1e6 for time in both), key=abs))
    return _Times(column, written, good / max(len(values), 1), tuple(behind))


def _time_rank(read: _Times, found: Facts) -> tuple[object, ...]:
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


def _described(read: _Times) -> str:
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

_HALF_HOURS = {
    3.5: "Asia/Tehran",
    4.5: "Asia/Kabul",
    5.5: "Asia/Kolkata",
    5.75: "Asia/Kathmandu",
    9.5: "Australia/Darwin",
}
_ZONES = (
    *("Europe/London", "Europe/Berlin", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "America/Sao_Paulo", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok"),
    *("Asia/Shanghai", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland"),
)


def timezone(draft: Draft, found: Facts) -> Draft:
    """The zone of times without one: they lie a whole number of hours beside their records' own."""
    events = draft.events
    values = _known(events.timestamp, found)
    texts = {number: value for number, value in values.items() if isinstance(value, str) and _is_local(value)}
    if events.timezone != "UTC" or 2 * len(texts) <= found.count:
        return draft
    read = _times(Column(events.timestamp, dict(texts)), events.timestamp_format, events, found)
    if len(read.behind) < 5 or read.share < 0.9:
        return draft
    middle = statistics.median(read.behind)
    hours = -round(middle / 900) / 4
    if _spread(read) > 600:
        return _across_a_change(draft, read, found)
    if not 1 <= abs(hours) <= 14 or abs(-middle / HOUR - hours) > 0.2:
        return draft
    at = datetime.fromtimestamp(found.places[next(iter(texts))].record.timestamp / 1000, UTC)
    fitting = [name for name in _ZONES if (zone(name).utcoffset(at) or at - at).total_seconds() == hours * HOUR]
    fixed = f"Etc/GMT{-hours:+.0f}" if hours == int(hours) else _HALF_HOURS.get(hours)
    name = fitting[0] if fitting else fixed
    if name is None:
        return draft
    why = f"times such as {read.column.example()} name no zone and lie {span(middle)} the records' own: put your zone"
    return draft.change("timezone", name, why)


def _across_a_change(draft: Draft, local: _Times, found: Facts) -> Draft:
    """The zone whose clocks were put forward or back amid the times: in it they all lie as far from their records."""
    events = draft.events
    for name in _ZONES:
        read = _times(local.column, local.format, structs.replace(events, timezone=name), found)
        if _spread(read) <= 600 and read.distance <= 1200 and _spread(read) < _spread(local):
            example = local.column.example()
            why = f"times such as {example} name no zone, and follow a change of the clocks: put your zone"
            return draft.change("timezone", name, why)
    return draft


def _spread(read: _Times) -> float:
    """How far nine in ten of the times lie from the median distance to their records at most, in seconds."""
    middle = statistics.median(read.behind)
    return sorted(abs(one - middle) for one in read.behind)[int(0.9 * len(read.behind))]


_ZONED = re.compile(r"(Z|[+-]\d{2}:?\d{2}|UTC|GMT|\]|[A-Z]{3,4})\s*$")


def _is_local(text: str) -> bool:
    return _ZONED.search(text) is None and ":" in text


def time_paths(found: Facts, events: Events) -> set[str]:
    """Fields that hold times."""
    return {read.column.path for read in _all_times(found.columns, events, found)}


FARTHEST_AHEAD = 400  # days


def ahead(draft: Draft, found: Facts) -> Draft:
    """Times that are meant to lie ahead of their records, such as prices of tomorrow."""
    events = draft.events
    read = _times(Column(events.timestamp, _known(events.timestamp, found)), events.timestamp_format, events, found)
    days = math.ceil(max((-one for one in read.behind), default=0.0) / DAY)
    if not events.max_ahead < days * DAY <= FARTHEST_AHEAD * DAY:
        return draft
    return draft.change("max_ahead", days * DAY, f"times lie up to {days} days ahead of their records' own")
