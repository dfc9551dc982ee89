"""Which field of events holds their time, how it is written, of which zone it is, and how far ahead it may lie."""

import math
import re
import statistics
from datetime import UTC, datetime

from msgspec import structs

from pipeline.check.columns import Column, inside, last_name
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.check.number_fields import TIME_PARTS
from pipeline.check.time_fields import (
    DAY,
    FINE,
    HOUR,
    TimeField,
    all_times,
    best_format,
    described,
    of_parts,
    rank,
    read_times,
    span,
    with_clock,
)
from pipeline.stamps import zone


def timestamp(draft: Draft, found: Facts) -> Draft:
    """The field of the time, and how it is written."""
    events = draft.events
    now = Column(events.timestamp, _known(events.timestamp, found))
    likely = all_times(inside(found.columns), events, found) or all_times(found.columns, events, found)
    others = [one for one in likely if one.column.path != events.timestamp and found.look(one.column.path)]
    if 2 * len(now.values) > found.count:
        return _written(draft, now, others, found)
    parts = of_parts(found, events)
    if parts is not None and all(last_name(one.column.path).lower() in TIME_PARTS for one in others):
        return _named(draft, parts, f"`{events.timestamp}` is nowhere")
    if not others:
        return draft
    best = min(others, key=lambda one: rank(one, found))
    return _named(draft, with_clock(best, events, found) or best, f"`{events.timestamp}` is nowhere")


def _named(draft: Draft, best: TimeField, why: str) -> Draft:
    path = best.column.path
    draft = draft.change("timestamp", path, f"{why}; {described(best)}")
    if best.format == draft.events.timestamp_format:
        return draft
    return draft.change("timestamp_format", best.format, f"so `{path}` is written")


def _written(draft: Draft, column: Column, others: list[TimeField], found: Facts) -> Draft:
    """How the times at the right place are written; or another field, if these cannot be read or are of the record."""
    events = draft.events
    read = read_times(column, events.timestamp_format, events, found)
    best = read if read.share > 0.9 and read.is_likely else best_format(column, events, found)
    own = [one for one in others if one.column.path in found.own and rank(one, found)[:2] == FINE]
    if events.points and own and not found.is_in_elements(events.timestamp):
        best_one = min(own, key=lambda one: rank(one, found))
        return _named(
            draft, best_one, f"`{events.timestamp}` is of the whole record, and each of its events has a time"
        )
    if best is None and others:
        other = min(others, key=lambda one: rank(one, found))
        return _named(draft, other, f"`{events.timestamp}` cannot be read as a time: {column.example()}")
    if best is None:
        return draft
    whole = with_clock(best, events, found)
    if whole is not None:
        return _named(draft, whole, f"`{events.timestamp}` is a date alone")
    return (
        draft
        if best.format == events.timestamp_format
        else draft.change("timestamp_format", best.format, described(best))
    )


def _known(text: str, found: Facts) -> dict[int, object]:
    return {number: value for number, value in found.look(text).items() if value is not None}


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
    read = read_times(Column(events.timestamp, dict(texts)), events.timestamp_format, events, found)
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


def _across_a_change(draft: Draft, local: TimeField, found: Facts) -> Draft:
    """The zone whose clocks were put forward or back amid the times: in it they all lie as far from their records."""
    events = draft.events
    for name in _ZONES:
        read = read_times(local.column, local.format, structs.replace(events, timezone=name), found)
        if _spread(read) <= 600 and read.distance <= 1200 and _spread(read) < _spread(local):
            example = local.column.example()
            why = f"times such as {example} name no zone, and follow a change of the clocks: put your zone"
            return draft.change("timezone", name, why)
    return draft


def _spread(read: TimeField) -> float:
    """How far nine in ten of the times lie from the median distance to their records at most, in seconds."""
    middle = statistics.median(read.behind)
    return sorted(abs(one - middle) for one in read.behind)[int(0.9 * len(read.behind))]


_ZONED = re.compile(r"(Z|[+-]\d{2}:?\d{2}|UTC|GMT|\]|[A-Z]{3,4})\s*$")


def _is_local(text: str) -> bool:
    return _ZONED.search(text) is None and ":" in text


FARTHEST_AHEAD = 400  # days


def ahead(draft: Draft, found: Facts) -> Draft:
    """Times that are meant to lie ahead of their records, such as prices of tomorrow."""
    events = draft.events
    read = read_times(Column(events.timestamp, _known(events.timestamp, found)), events.timestamp_format, events, found)
    days = math.ceil(max((-one for one in read.behind), default=0.0) / DAY)
    if not events.max_ahead < days * DAY <= FARTHEST_AHEAD * DAY:
        return draft
    return draft.change("max_ahead", days * DAY, f"times lie up to {days} days ahead of their records' own")
