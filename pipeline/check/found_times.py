"""Which fields of events hold times, how they are written, and of which zone they are."""

import math
import re
import statistics
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import structs

from pipeline.check.columns import Column, inside, is_numeric, type_of
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.check.inventory import TIME_NAME
from pipeline.settings import Events
from pipeline.stamps import UNITS, StampError, Stamps, zone

HOUR, DAY = 3600.0, 86_400.0  # seconds


_BEST_TIMES = (
    *("timestamp", "@timestamp", "event_time", "eventtime", "time", "ts", "datetime", "timeunixnano", "date", "t"),
    *("last_updated", "last_changed", "ts_ms"),
)
_WORST_TIMES = re.compile(r"(created|ingest|process|receiv|start|begin|expir|source\.|before\.|schema)", re.IGNORECASE)
_PATTERNS = (
    *("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y"),
    *("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%d.%m.%Y"),
    *("%Y%m%d%H", "%Y%j", "%Y-%m-%d-%H.%M.%S.%f", "%d%b%Y:%H:%M:%S"),
)
FAR = 20 * 365.25 * 24 * HOUR


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
        return self.distance <= FAR or not is_numeric(self.column)


def timestamp(draft: Draft, found: Facts) -> Draft:
    """The field of the time, and how it is written."""
    events = draft.events
    now = Column(events.timestamp, _known(events.timestamp, found))
    if 2 * len(now.values) > found.count:
        return _written(draft, now, found)
    likely = _all_times(inside(found.columns), events, found) or _all_times(found.columns, events, found)
    if not likely:
        return draft
    best = min(likely, key=_time_rank)
    draft = draft.change("timestamp", best.column.path, f"`{events.timestamp}` is nowhere; {_described(best)}")
    if best.format != events.timestamp_format:
        draft = draft.change("timestamp_format", best.format, f"so `{best.column.path}` is written")
    return draft


def _written(draft: Draft, column: Column, found: Facts) -> Draft:
    """How the times at the right place are written."""
    events = draft.events
    read = _times(column, events.timestamp_format, events, found)
    best = read if read.share > 0.9 and read.is_likely else _best_format(column, events, found)
    if best is None or best.format == events.timestamp_format:
        return draft
    return draft.change("timestamp_format", best.format, _described(best))


def _known(text: str, found: Facts) -> dict[int, object]:
    return {number: value for number, value in found.look(text).items() if value is not None}


def _all_times(columns: Mapping[str, Column], events: Events, found: Facts) -> list[_Times]:
    return [one for column in columns.values() if (one := _as_times(column, events, found)) is not None]


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


def _time_rank(read: _Times) -> tuple[object, ...]:
    last = read.column.path.rpartition(".")[2].lower()
    best = _BEST_TIMES.index(last) if last in _BEST_TIMES else len(_BEST_TIMES)
    is_constant = len(read.column.texts()) == 1 and len(read.column.values) > 1
    is_worst = _WORST_TIMES.search(read.column.path) is not None
    return (is_constant, is_worst, not TIME_NAME.search(read.column.path), best, read.distance)


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
